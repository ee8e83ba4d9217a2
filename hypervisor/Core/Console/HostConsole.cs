// SPDX-License-Identifier: MIT
// The hypervisor's console: lines with levels to the wire and into the ring behind `xl dmesg`.

using System;
using XenSharp.Edge;

namespace XenSharp.Core.Console;

/// <summary>Log levels of `loglvl=` and `guest_loglvl=` (docs/misc/xen-command-line.pandoc).</summary>
public enum LogLevel { Error = 0, Warning = 1, Info = 2, Debug = 3 }

/// <summary>
/// Collects one line at a time. <see cref="Begin"/> takes the console lock, <see cref="LogLine.End"/> sends the line and frees it.
/// </summary>
public sealed class HostConsole(Platform platform)
{
    private const int LineCapacity = 512;
    private readonly byte[] _line = new byte[LineCapacity];
    private readonly SpinLock _lock = new(LockScope.Domain);
    private int _length;
    private bool _suppressed;

    /// <summary>Everything printed so far, for XEN_SYSCTL_readconsole.</summary>
    public ConsoleRing Ring { get; } = new();

    /// <summary>Lines above this level are dropped (`loglvl=`).</summary>
    public LogLevel Threshold { get; set; } = LogLevel.Warning;

    /// <summary>The processor on whose list the lock is noted while the console has no better one: the boot CPU.</summary>
    public Processor? BootProcessor { get; set; }

    /// <summary>Starts a line that is always printed.</summary>
    public LogLine Begin(Processor? processor = null) => Begin(LogLevel.Error, processor);

    /// <summary>Starts a line; text of a level above the threshold is discarded.</summary>
    public LogLine Begin(LogLevel level, Processor? processor = null)
    {
        Processor? holder = processor ?? BootProcessor;
        if (holder != null)
            _lock.Enter(holder);
        _length = 0;
        _suppressed = level > Threshold && level != LogLevel.Error;
        Append("(XEN) "u8);
        return new LogLine(this, holder);
    }

    /// <summary>Prints one complete line.</summary>
    public void Print(ReadOnlySpan<byte> text) => Begin().Text(text).End();

    public void Print(LogLevel level, ReadOnlySpan<byte> text) => Begin(level).Text(text).End();

    /// <summary>Sends a guest's text (dom0's console) as it is, and keeps it in the ring.</summary>
    public void WriteRaw(ReadOnlySpan<byte> text, Processor processor)
    {
        using SpinLock.Guard guard = _lock.Enter(processor);
        platform.WriteConsole(text);
    }

    /// <summary>Frees the console on a machine that is going down, whoever holds it.</summary>
    public void BreakLock() => _lock.Break();

    internal void Append(ReadOnlySpan<byte> text)
    {
        int count = Math.Min(text.Length, LineCapacity - 2 - _length);
        text.Slice(0, count).CopyTo(_line.AsSpan(_length));
        _length += count;
    }

    internal void Append(byte character)
    {
        if (_length < LineCapacity - 2)
            _line[_length++] = character;
    }

    internal void Finish(Processor? holder)
    {
        if (!_suppressed)
        {
            _line[_length++] = (byte)'\r';
            _line[_length++] = (byte)'\n';
            platform.WriteConsole(_line.AsSpan(0, _length));
            _line[_length - 2] = (byte)'\n';
            Ring.Append(_line.AsSpan(0, _length - 1));
        }

        if (holder != null)
            _lock.Exit(holder.Held);
    }
}
