// SPDX-License-Identifier: MIT
// The lines that tests print: `name(arguments) = result field=value ...`, one hypercall on the console each.

using System;

namespace XenSharp.Guests;

/// <summary>The line under construction; the next <see cref="Begin"/> or <see cref="Flush"/> prints it.</summary>
public static unsafe class Report
{
    private struct Buffer
    {
        public fixed byte Bytes[1024];
    }

    private static Buffer s_line;
    private static int s_length;

    public static void Flush()
    {
        if (s_length == 0)
            return;
        Add("\n"u8);
        int length = s_length;
        s_length = 0;
        // SAFETY: a static buffer, filled up to length by Add.
        fixed (byte* start = s_line.Bytes)
            Console.Write(new ReadOnlySpan<byte>(start, length));
    }

    public static void Line(ReadOnlySpan<byte> text)
    {
        Flush();
        Add(text);
        Flush();
    }

    public static void Begin(ReadOnlySpan<byte> text)
    {
        Flush();
        Add(text);
    }

    public static void Add(ReadOnlySpan<byte> text)
    {
        for (int i = 0; i < text.Length && s_length < 1023; i++)
            s_line.Bytes[s_length++] = text[i];
        if (s_length == 1023)
            s_line.Bytes[s_length++] = (byte)'\n';
    }

    /// <summary>` name=0x...`.</summary>
    public static void Hex(ReadOnlySpan<byte> name, ulong value)
    {
        Text text = new(stackalloc byte[20]);
        text.Hex(value);
        Field(name, text.Bytes);
    }

    public static void Decimal(ReadOnlySpan<byte> name, ulong value)
    {
        Text text = new(stackalloc byte[20]);
        text.Decimal(value);
        Field(name, text.Bytes);
    }

    public static void Signed(ReadOnlySpan<byte> name, long value)
    {
        Text text = new(stackalloc byte[21]);
        text.Signed(value);
        Field(name, text.Bytes);
    }

    /// <summary>A value that varies between runs or hypervisors: only whether it is zero.</summary>
    public static void Class(ReadOnlySpan<byte> name, ulong value) => Field(name, value == 0 ? "0"u8 : "<nonzero>"u8);

    /// <summary>Text up to its first zero, in quotes.</summary>
    public static void Quoted(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        Text text = new(stackalloc byte[512]);
        text.Add("\""u8).Foreign(value).Add("\""u8);
        Field(name, text.Bytes);
    }

    public static void Flag(ReadOnlySpan<byte> name, bool value) => Field(name, value ? "yes"u8 : "no"u8);

    public static void Field(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        Add(" "u8);
        Add(name);
        Add("="u8);
        Add(value);
    }

    /// <summary>Bytes as hexadecimal digits.</summary>
    public static void Dump(ReadOnlySpan<byte> bytes)
    {
        Text text = new(stackalloc byte[800]);
        foreach (byte value in bytes)
            text.HexDigits(value, 2);
        Add(text.Bytes);
    }
}
