// SPDX-License-Identifier: MIT
// Keeps system time in step with another timer of the machine where the cycle counter alone is not a good clock. Started by the port.

using System;
using XenSharp.Edge;

namespace XenSharp.Core.Time;

/// <summary>A counter of known frequency that all CPUs can read (HPET, ACPI PM timer).</summary>
public abstract class ReferenceTimer(ulong frequencyHz, ulong mask)
{
    public ulong FrequencyHz { get; } = frequencyHz;

    /// <summary>The bits that count; the counter starts again from 0 after them.</summary>
    public ulong Mask { get; } = mask;

    /// <summary>Reads the counter, and the cycle counter at the same time as nearly as possible.</summary>
    public abstract void Sample(out ulong tsc, out ulong count);
}

/// <summary>
/// Compares once per <see cref="SystemClock.CalibrationPeriodNs"/>, on the CPU that started it. The counter must not come round in
/// less than twice that time. Not used when <see cref="SystemClock.IsTscStable"/>.
/// </summary>
public sealed class ClockCorrection(Host host, ReferenceTimer reference) : Timer
{
    private ulong _startNs;
    private ulong _lastCount;
    private ulong _elapsedTicks;

    public override ReadOnlySpan<byte> Name => "time_calibration"u8;

    public void Start(Cpu processor)
    {
        reference.Sample(out ulong tsc, out _lastCount);
        host.Clock.Read(out ClockStamp stamp, out _);
        _startNs = stamp.At(tsc);
        _elapsedTicks = 0;
        processor.Timers.Move(this, _startNs + SystemClock.CalibrationPeriodNs, processor);
    }

    public override void Expire(Cpu processor)
    {
        reference.Sample(out ulong tsc, out ulong count);
        _elapsedTicks += (count - _lastCount) & reference.Mask;
        _lastCount = count;
        uint generation = host.Clock.Generation;
        host.Clock.Recalibrate(tsc, _startNs + ToNanoseconds(_elapsedTicks));
        if (host.Clock.Generation != generation)
            TellRunning(processor);
        processor.Timers.Move(this, host.Clock.Now + SystemClock.CalibrationPeriodNs, processor);
    }

    // The vCPUs that run now get the new scale when their CPUs choose again; all others when they are chosen.
    private void TellRunning(Cpu caller)
    {
        for (int i = 0; i < host.ProcessorCount; i++)
        {
            Cpu processor = host.Processors[i]!;
            if (processor.Current == null)
                continue;
            processor.Raise(PendingWork.Reschedule);
            if (processor != caller)
                host.Platform.Kick(processor);
        }
    }

    private ulong ToNanoseconds(ulong ticks)
    {
        const ulong second = 1_000_000_000;
        ulong hz = reference.FrequencyHz;
        return (ticks / hz * second) + (ticks % hz * second / hz);
    }
}
