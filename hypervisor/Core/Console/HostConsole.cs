// SPDX-License-Identifier: MIT
// The hypervisor's console: lines with levels to the wire and into the ring behind `xl dmesg`, and guests' text.

using System;
using XenSharp.Core.Time;
using XenSharp.Edge;

namespace XenSharp.Core.Console;

/// <summary>Log levels of `loglvl=` and `guest_loglvl=` (docs/misc/xen-command-line.pandoc).</summary>
public enum LogLevel { Error = 0, Warning = 1, Info = 2, Debug = 3 }

/// <summary>
/// Collects one line at a time. <see cref="Begin(LogLevel, Processor?)"/> takes the console lock, <see cref="LogLine.End"/> sends the line
/// and frees it.
/// </summary>
public sealed class HostConsole(Platform platform)
{
    private const int LineCapacity = 512;
    private readonly byte[] _line = new byte[LineCapacity];
    private readonly SpinLock _lock = new(LockScope.Domain);
    private readonly ConsoleRateLimit _rateLimit = new();
    private int _length;
    private bool _suppressed;
    private bool _lastWasReturn;

    /// <summary>Everything printed so far, for XEN_SYSCTL_readconsole.</summary>
    public ConsoleRing Ring { get; } = new();

    /// <summary>`loglvl=`: which of the hypervisor's own lines are printed.</summary>
    public LogThresholds HostThresholds { get; } = new(2, 2);

    /// <summary>`guest_loglvl=`: which lines that a guest has caused are printed.</summary>
    public LogThresholds GuestThresholds { get; } = new(0, 2);

    /// <summary>The processor on whose list the lock is noted while the console has no better one: the boot CPU.</summary>
    public Processor? BootProcessor { get; set; }

    /// <summary>The clock behind the rate limit; without one nothing is limited.</summary>
    public SystemClock? Clock { get; set; }

    /// <summary>`console_to_ring`: keep dom0's text too.</summary>
    public bool KeepsGuestText { get; set; }

    /// <summary>From the end of boot on: asks the CPU to tell dom0 about new lines (VIRQ_CON_RING).</summary>
    public bool AnnouncesLines { get; set; }

    /// <summary>True when lines came that dom0 has not been told about; <see cref="ConsoleInput.Poll"/> takes it.</summary>
    public bool HasUnannouncedLines { get; set; }

    /// <summary>Starts a line that is always printed.</summary>
    public LogLine Begin(Processor? processor = null)
    {
        Processor? holder = Enter(processor);
        return Start(holder, false);
    }

    /// <summary>Starts a line; text of a level that `loglvl=` excludes is discarded.</summary>
    public LogLine Begin(LogLevel level, Processor? processor = null)
    {
        Processor? holder = Enter(processor);
        return Start(holder, IsSuppressed(HostThresholds, level));
    }

    /// <summary>Starts a line that a guest has caused: subject to `guest_loglvl=` and its rate limit.</summary>
    public LogLine BeginGuest(LogLevel level, Processor? processor = null)
    {
        Processor? holder = Enter(processor);
        return Start(holder, IsSuppressed(GuestThresholds, level));
    }

    /// <summary>Starts a line of a guest's own text, marked `(d1)` in place of the hypervisor's mark (guest_printk of Xen).</summary>
    public LogLine BeginGuestText(ushort domain, Processor? processor = null)
    {
        LogLine line = BeginGuest(LogLevel.Debug, processor);
        _length = 0;
        return line.Text("(d"u8).Decimal((ulong)domain).Text(") "u8);
    }

    /// <summary>Prints one complete line.</summary>
    public void Print(ReadOnlySpan<byte> text) => Begin().Text(text).End();

    public void Print(LogLevel level, ReadOnlySpan<byte> text) => Begin(level).Text(text).End();

    /// <summary>Sends a guest's text (dom0's console) as it is, with a carriage return before each bare newline.</summary>
    public void WriteRaw(ReadOnlySpan<byte> text, Processor processor)
    {
        using SpinLock.Guard guard = _lock.Enter(processor);
        if (KeepsGuestText)
        {
            Ring.Append(text);
            Announce(processor);
        }

        WriteCooked(text);
    }

    /// <summary>Sends text that is in the ring already.</summary>
    public void WriteToWire(ReadOnlySpan<byte> text, Processor processor)
    {
        using SpinLock.Guard guard = _lock.Enter(processor);
        WriteCooked(text);
    }

    private void WriteCooked(ReadOnlySpan<byte> text)
    {
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == (byte)'\n' && !_lastWasReturn)
            {
                platform.WriteConsole(text.Slice(start, i - start));
                platform.WriteConsole("\r"u8);
                start = i;
            }

            _lastWasReturn = text[i] == (byte)'\r';
        }

        platform.WriteConsole(text.Slice(start));
    }

    /// <summary>Frees the console on a machine that is going down, whoever holds it.</summary>
    public void BreakLock() => _lock.Break();

    /// <summary>Takes the lock around work on <see cref="Ring"/>.</summary>
    public SpinLock.Guard Lock(Processor processor) => _lock.Enter(processor);

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
            Send(holder);
        if (holder != null)
            _lock.Exit(holder.Held);
    }

    private Processor? Enter(Processor? processor)
    {
        Processor? holder = processor ?? BootProcessor;
        if (holder != null)
            _lock.Enter(holder);
        return holder;
    }

    private LogLine Start(Processor? holder, bool suppressed)
    {
        _length = 0;
        _suppressed = suppressed;
        Append("(XEN) "u8);
        return new LogLine(this, holder);
    }

    private bool IsSuppressed(LogThresholds thresholds, LogLevel level)
    {
        if ((int)level < thresholds.Always)
            return false;
        if ((int)level >= thresholds.Limited)
            return true;
        if (Clock == null)
            return false;
        bool allowed = _rateLimit.Allow(Clock.Now, out uint lost);
        if (lost != 0)
        {
            LogLine notice = Start(null, false);
            notice.Text("printk: "u8).Decimal(lost).Text(" messages suppressed."u8);
            Send(null);
        }

        return !allowed;
    }

    private void Send(Processor? holder)
    {
        _line[_length++] = (byte)'\r';
        _line[_length++] = (byte)'\n';
        platform.WriteConsole(_line.AsSpan(0, _length));
        _line[_length - 2] = (byte)'\n';
        Ring.Append(_line.AsSpan(0, _length - 1));
        if (holder != null)
            Announce(holder);
    }

    private void Announce(Processor processor)
    {
        if (!AnnouncesLines || HasUnannouncedLines)
            return;
        HasUnannouncedLines = true;
        processor.Raise(PendingWork.Console);
    }
}
