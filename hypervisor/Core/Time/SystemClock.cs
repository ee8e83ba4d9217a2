// SPDX-License-Identifier: MIT
// System time: nanoseconds since boot, from the CPU's cycle counter.

using System;
using XenSharp.Edge;

namespace XenSharp.Core.Time;

/// <summary>Converts between cycles and nanoseconds exactly as a guest does with struct vcpu_time_info (xen/include/public/xen.h).</summary>
public sealed class SystemClock(Platform platform)
{
    private readonly Platform _platform = platform;

    /// <summary>Cycle counter at system time 0.</summary>
    public ulong TscAtBoot { get; private set; }

    public ulong TscFrequencyHz { get; private set; }

    /// <summary>ns = ((cycles shifted left by <see cref="TscShift"/>) * <see cref="TscToSystemMultiplier"/>) >> 32.</summary>
    public uint TscToSystemMultiplier { get; private set; }

    public sbyte TscShift { get; private set; }

    /// <summary>Seconds since 1970 at system time 0; changed by XENPF_settime.</summary>
    public ulong WallClockSeconds { get; set; }

    public uint WallClockNanoseconds { get; set; }

    /// <summary>System time now, ns.</summary>
    public ulong Now => ToNanoseconds(_platform.ReadTsc() - TscAtBoot);

    /// <summary>Starts system time at 0 with a calibrated frequency.</summary>
    public void Start(ulong tscAtBoot, ulong frequencyHz)
    {
        TscAtBoot = tscAtBoot;
        TscFrequencyHz = frequencyHz;
        ulong perSecond = frequencyHz;
        sbyte shift = 0;
        while (perSecond > 2_000_000_000)
        {
            perSecond >>= 1;
            shift--;
        }

        while (perSecond <= 1_000_000_000)
        {
            perSecond <<= 1;
            shift++;
        }

        TscShift = shift;
        TscToSystemMultiplier = (uint)DivideShifted(1_000_000_000, perSecond);
    }

    public ulong ToNanoseconds(ulong cycles)
    {
        ulong scaled = TscShift < 0 ? cycles >> -TscShift : cycles << TscShift;
        ulong high = Math.BigMul(scaled, TscToSystemMultiplier, out ulong low);
        return (high << 32) | (low >> 32);
    }

    // (value << 32) / divisor for value < divisor.
    private static ulong DivideShifted(ulong value, ulong divisor) => (value << 32) / divisor;
}
