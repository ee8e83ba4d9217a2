// SPDX-License-Identifier: MIT
// Bytes from the serial line: to dom0's buffer or to the debug keys, switched by three presses of CTRL-a.
// The port calls Poll when PendingWork.Console is raised; console_io reads the buffer.

using System;
using XenSharp.Abi;
using XenSharp.Core.EventChannels;
using XenSharp.Edge;

namespace XenSharp.Core.Console;

/// <summary>The console's receiving side (xen/drivers/char/console.c).</summary>
public sealed class ConsoleInput(Host host)
{
    /// <summary>Bytes kept for dom0; later ones are dropped while it is full, as in Xen.</summary>
    public const int Capacity = 128;

    private const int SwitchPresses = 3;
    private readonly byte[] _ring = new byte[Capacity];
    private readonly SpinLock _lock = new(LockScope.Domain);
    private uint _consumer, _producer;
    private int _switchPresses;

    /// <summary>True while input goes to dom0 (console_rx).</summary>
    public bool IsForDom0 { get; private set; }

    /// <summary>The control code that switches, 0: none (`conswitch=`).</summary>
    private byte SwitchCode => (byte)(host.Options.ConsoleSwitch is >= (byte)'a' and <= (byte)'z' ? host.Options.ConsoleSwitch - (byte)'a' + 1 : 0);

    /// <summary>Hands the console over at the end of boot: announces the levels and directs input to dom0, or not (`conswitch=ax`).</summary>
    public void EndBoot()
    {
        ReportLevel("Std. Loglevel: "u8, host.Console.HostThresholds);
        ReportLevel("Guest Loglevel: "u8, host.Console.GuestThresholds);
        IsForDom0 = host.Options.ConsoleStaysWithHost;
        host.Console.AnnouncesLines = true;
        Switch();
    }

    /// <summary>Takes all bytes that wait on the line, and tells dom0 about new lines in the console ring.</summary>
    public void Poll(Cpu caller)
    {
        for (int i = 0; i < Capacity; i++)
        {
            int character = host.Platform.ReadConsole();
            if (character < 0)
                break;
            Receive((byte)character, caller);
        }

        if (!host.Console.HasUnannouncedLines)
            return;
        host.Console.HasUnannouncedLines = false;
        GlobalVirtualIrq.Send(host, VirtualIrq.ConsoleRing, caller);
    }

    /// <summary>One byte from the serial line.</summary>
    public void Receive(byte character, Cpu caller)
    {
        byte code = SwitchCode;
        if (code != 0 && character == code)
        {
            if (++_switchPresses == SwitchPresses)
            {
                _switchPresses = 0;
                Switch();
            }

            return;
        }

        for (; _switchPresses != 0; _switchPresses--)
            Deliver(code, caller);
        Deliver(character, caller);
    }

    /// <summary>Moves bytes of the buffer out; the number moved.</summary>
    public int Read(Span<byte> destination, Processor caller)
    {
        using SpinLock.Guard guard = _lock.Enter(caller);
        int count = 0;
        while (count < destination.Length && _consumer != _producer)
        {
            destination[count++] = _ring[(int)(_consumer % Capacity)];
            _consumer++;
        }

        return count;
    }

    private void Deliver(byte character, Cpu caller)
    {
        if (!IsForDom0)
        {
            host.DebugKeys.Press(character, caller);
            return;
        }

        using (_lock.Enter(caller))
        {
            if (_producer - _consumer != Capacity)
            {
                _ring[(int)(_producer % Capacity)] = character;
                _producer++;
            }
        }

        // Also when the byte was dropped, so that the receiving path cannot get stuck.
        GlobalVirtualIrq.Send(host, VirtualIrq.Console, caller);
    }

    private void Switch()
    {
        IsForDom0 = !IsForDom0;
        LogLine line = host.Console.Begin().Text(IsForDom0 ? "*** Serial input to DOM0"u8 : "*** Serial input to Xen"u8);
        if (SwitchCode != 0)
            line.Text(" (type 'CTRL-"u8).Character(host.Options.ConsoleSwitch).Text("' three times to switch input)"u8);
        line.End();
    }

    private void ReportLevel(ReadOnlySpan<byte> name, LogThresholds thresholds)
    {
        LogLine line = host.Console.Begin().Text(name).Text(LevelText(thresholds.Always));
        if (thresholds.Limited != thresholds.Always)
            line.Text(" (Rate-limited: "u8).Text(LevelText(thresholds.Limited)).Text(")"u8);
        line.End();
    }

    internal static ReadOnlySpan<byte> LevelText(int level) => level switch
    {
        0 => "Nothing"u8,
        1 => "Errors"u8,
        2 => "Errors and warnings"u8,
        3 => "Errors, warnings and info"u8,
        4 => "All"u8,
        _ => "???"u8,
    };
}
