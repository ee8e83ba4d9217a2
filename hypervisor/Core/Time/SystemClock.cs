// SPDX-License-Identifier: MIT
// System time: nanoseconds since boot, from the CPU's cycle counter. Read everywhere; started and recalibrated by the port.

using System;
using System.Threading;
using XenSharp.Edge;

namespace XenSharp.Core.Time;

/// <summary>System time at a value of the cycle counter, and how to go on from there (struct vcpu_time_info, xen/include/public/xen.h).</summary>
public struct ClockStamp
{
    public ulong Tsc;

    /// <summary>System time at <see cref="Tsc"/>.</summary>
    public ulong SystemNs;

    /// <summary>ns = ((cycles shifted left by <see cref="Shift"/>) * this) >> 32.</summary>
    public uint Multiplier;

    public sbyte Shift;

    /// <summary>System time at a later value of the cycle counter.</summary>
    public readonly ulong At(ulong tsc) => SystemNs + SystemClock.Scale(tsc - Tsc, Multiplier, Shift);
}

/// <summary>
/// Converts between cycles and nanoseconds exactly as a guest does. Readers take no lock: the stamp has a version that is odd while
/// it changes.
/// </summary>
public sealed class SystemClock(Platform platform)
{
    /// <summary>How far apart <see cref="Recalibrate"/> is meant to be called, and how fast it corrects a deviation.</summary>
    public const ulong CalibrationPeriodNs = 1_000_000_000;

    private readonly Platform _platform = platform;
    private ulong _stampTsc;
    private ulong _stampNs;
    private uint _multiplier;
    private int _shift;
    private uint _version;
    private ulong _calibratedTsc;
    private ulong _calibratedNs;

    /// <summary>Cycle counter at system time 0.</summary>
    public ulong TscAtBoot { get; private set; }

    public ulong TscFrequencyHz { get; private set; }

    /// <summary>ns = ((cycles shifted left by <see cref="TscShift"/>) * <see cref="TscToSystemMultiplier"/>) >> 32.</summary>
    public uint TscToSystemMultiplier => _multiplier;

    public sbyte TscShift => (sbyte)_shift;

    /// <summary>
    /// The cycle counter itself is the clock: constant, running on all CPUs alike, never recalibrated. Set by the port; guests see it
    /// as XEN_PVCLOCK_TSC_STABLE_BIT.
    /// </summary>
    public bool IsTscStable { get; set; }

    /// <summary>Changes whenever the stamp does.</summary>
    public uint Generation => Volatile.Read(ref _version);

    /// <summary>Seconds since 1970 at system time 0; changed by XENPF_settime (<see cref="WallClock"/>).</summary>
    public ulong WallClockSeconds { get; set; }

    public uint WallClockNanoseconds { get; set; }

    /// <summary>Guards the two fields of the wall clock and the domains' copies of them.</summary>
    internal SpinLock WallClockLock { get; } = new(LockScope.Host);

    /// <summary>System time now, ns.</summary>
    public ulong Now
    {
        get
        {
            while (true)
            {
                uint version = Volatile.Read(ref _version);
                ulong start = Volatile.Read(ref _stampTsc);
                ulong base_ = Volatile.Read(ref _stampNs);
                uint multiplier = Volatile.Read(ref _multiplier);
                int shift = Volatile.Read(ref _shift);
                if ((version & 1) == 0 && Volatile.Read(ref _version) == version)
                    return base_ + Scale(_platform.ReadTsc() - start, multiplier, shift);
            }
        }
    }

    /// <summary>Starts system time at 0 with a calibrated frequency.</summary>
    public void Start(ulong tscAtBoot, ulong frequencyHz)
    {
        TscAtBoot = tscAtBoot;
        TscFrequencyHz = frequencyHz;
        Fraction(1_000_000_000, frequencyHz, out uint multiplier, out int shift);
        _calibratedTsc = tscAtBoot;
        _calibratedNs = 0;
        Publish(tscAtBoot, 0, multiplier, shift);
    }

    /// <summary>A consistent copy of what guests are given.</summary>
    public void Read(out ClockStamp stamp, out uint generation)
    {
        while (true)
        {
            generation = Volatile.Read(ref _version);
            stamp.Tsc = Volatile.Read(ref _stampTsc);
            stamp.SystemNs = Volatile.Read(ref _stampNs);
            stamp.Multiplier = Volatile.Read(ref _multiplier);
            stamp.Shift = (sbyte)Volatile.Read(ref _shift);
            if ((generation & 1) == 0 && Volatile.Read(ref _version) == generation)
                return;
        }
    }

    /// <summary>
    /// Compares with another timer of the machine, about once per <see cref="CalibrationPeriodNs"/>, on one CPU: its system time
    /// <paramref name="platformNs"/> belongs to <paramref name="tsc"/>. A clock that is behind is set forward; one that is ahead runs
    /// slower until the next time, at least at half speed, so that time never goes back. Afterwards the running vCPUs need
    /// <see cref="VcpuTime.Update"/>.
    /// </summary>
    public void Recalibrate(ulong tsc, ulong platformNs)
    {
        ulong cycles = tsc - _calibratedTsc;
        ulong elapsed = platformNs - _calibratedNs;
        if (platformNs <= _calibratedNs || elapsed < CalibrationPeriodNs / 2 || cycles == 0 || tsc < _calibratedTsc)
            return;
        _calibratedTsc = tsc;
        _calibratedNs = platformNs;

        ulong local = _stampNs + Scale(tsc - _stampTsc, _multiplier, _shift);
        Fraction(elapsed, cycles, out uint multiplier, out int shift);
        if (local > platformNs)
        {
            ulong ahead = Math.Min(local - platformNs, CalibrationPeriodNs);
            multiplier = (uint)(multiplier * (CalibrationPeriodNs << 2) / (CalibrationPeriodNs + ahead) >> 2);
            // Keeps full precision: the top bit of the multiplier is always set.
            while (multiplier < 0x8000_0000)
            {
                multiplier <<= 1;
                shift--;
            }
        }

        Publish(tsc, Math.Max(local, platformNs), multiplier, shift);
    }

    /// <summary>Duration of a number of cycles.</summary>
    public ulong ToNanoseconds(ulong cycles) => Scale(cycles, _multiplier, _shift);

    internal static ulong Scale(ulong cycles, uint multiplier, int shift)
    {
        ulong scaled = shift < 0 ? cycles >> -shift : cycles << shift;
        ulong high = Math.BigMul(scaled, multiplier, out ulong low);
        return (high << 32) | (low >> 32);
    }

    private void Publish(ulong tsc, ulong systemNs, uint multiplier, int shift)
    {
        Volatile.Write(ref _version, _version + 1);
        Volatile.Write(ref _stampTsc, tsc);
        Volatile.Write(ref _stampNs, systemNs);
        Volatile.Write(ref _multiplier, multiplier);
        Volatile.Write(ref _shift, shift);
        Volatile.Write(ref _version, _version + 1);
    }

    // The multiplier and shift by which `cycles` become `ns`: ns = ((cycles << shift) * multiplier) >> 32, with ns < cycles << shift <= 2 * ns.
    private static void Fraction(ulong ns, ulong cycles, out uint multiplier, out int shift)
    {
        shift = 0;
        while (ns > uint.MaxValue >> 1)
        {
            ns >>= 1;
            cycles >>= 1;
        }

        while (cycles > 2 * ns)
        {
            cycles >>= 1;
            shift--;
        }

        while (cycles <= ns)
        {
            cycles <<= 1;
            shift++;
        }

        multiplier = (uint)((ns << 32) / cycles);
    }
}
