// SPDX-License-Identifier: MIT
// The wire under the console: the first serial port and the text screen.

using System;
using XenSharp.Edge;
using XenSharp.X64.Runtime;

namespace XenSharp.X64.Machine;

/// <summary>Polled output that works from the first instruction of C# on. 16550 UART; VGA text mode 80x25.</summary>
// SAFETY: the screen's memory at 0xb8000 is mapped by the direct map's first MiB.
internal static unsafe class EarlyConsole
{
    private const int Columns = 80, Rows = 25;
    private static ushort s_port;
    private static bool s_hasSerial;
    private static bool s_hasScreen;
    private static int s_column;
    private static int s_row;

    public static ushort SerialPort => s_hasSerial ? s_port : (ushort)0;

    /// <summary>Sets a 16550 at <paramref name="port"/> to 8n1 at the given speed; false when none answers.</summary>
    public static bool InitialiseSerial(ushort port, int baud)
    {
        s_port = port;
        Assembly.Out8((ushort)(port + 7), 0x5a);
        s_hasSerial = Assembly.In8((ushort)(port + 7)) == 0x5a;
        if (!s_hasSerial)
            return false;
        int divisor = 115200 / baud;
        Assembly.Out8((ushort)(port + 1), 0);
        Assembly.Out8((ushort)(port + 3), 0x80);
        Assembly.Out8(port, (byte)divisor);
        Assembly.Out8((ushort)(port + 1), (byte)(divisor >> 8));
        Assembly.Out8((ushort)(port + 3), 3);
        Assembly.Out8((ushort)(port + 2), 0xc7);
        Assembly.Out8((ushort)(port + 4), 0x0b);
        return true;
    }

    /// <summary>No serial console: `console=` names none, or none answers.</summary>
    public static void CloseSerial() => s_hasSerial = false;

    public static void UseScreen(bool enabled) => s_hasScreen = enabled;

    /// <summary>Lets the serial port interrupt when a byte arrives.</summary>
    public static void EnableReceiveInterrupt()
    {
        if (s_hasSerial)
            Assembly.Out8((ushort)(s_port + 1), 1);
    }

    public static void Write(ReadOnlySpan<byte> text)
    {
        foreach (byte character in text)
        {
            if (s_hasSerial)
            {
                for (int spin = 0; spin < 100_000 && (Assembly.In8((ushort)(s_port + 5)) & 0x20) == 0; spin++)
                    Assembly.Pause();
                Assembly.Out8(s_port, character);
            }

            if (s_hasScreen)
                PutOnScreen(character);
        }
    }

    public static int Read() => s_hasSerial && (Assembly.In8((ushort)(s_port + 5)) & 1) != 0 ? Assembly.In8(s_port) : -1;

    /// <summary>Ends a boot that cannot go on with one sentence on serial and screen.</summary>
    public static void Stop(ReadOnlySpan<byte> sentence)
    {
        s_hasScreen = true;
        Write("(XEN) \r\n(XEN) XenSharp cannot start: "u8);
        Write(sentence);
        Write("\r\n"u8);
        Assembly.HaltForever();
    }

    private static void PutOnScreen(byte character)
    {
        ushort* screen = (ushort*)DirectMap.At(0xb8000);
        if (character == '\r')
        {
            s_column = 0;
        }
        else if (character != '\n')
        {
            screen[(s_row * Columns) + s_column] = (ushort)(0x0700 | character);
            if (++s_column < Columns)
                return;
            s_column = 0;
            s_row++;
        }
        else
        {
            s_row++;
        }

        if (s_row < Rows)
            return;
        new Span<ushort>(screen + Columns, Columns * (Rows - 1)).CopyTo(new Span<ushort>(screen, Columns * (Rows - 1)));
        new Span<ushort>(screen + (Columns * (Rows - 1)), Columns).Fill(0x0720);
        s_row = Rows - 1;
    }
}
