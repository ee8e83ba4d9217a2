// SPDX-License-Identifier: MIT
// Which levels are printed (`loglvl=`, `guest_loglvl=`, debug keys + - G), and how fast.

namespace XenSharp.Core.Console;

/// <summary>A level below <see cref="Always"/> is printed, below <see cref="Limited"/> at a limited rate, any other never. 0 none .. 4 all.</summary>
public sealed class LogThresholds(int always, int limited)
{
    public const int None = 0, All = 4;

    public int Always { get; private set; } = always;

    public int Limited { get; private set; } = limited;

    public void Set(int always, int limited)
    {
        Always = always;
        Limited = limited < always ? always : limited;
    }
}

/// <summary>The hypervisor's message limit: ten at once, then one every five seconds (xen/drivers/char/console.c, printk_ratelimit).</summary>
public sealed class ConsoleRateLimit
{
    private const ulong PeriodNs = 5_000_000_000;
    private const ulong Burst = 10;
    private ulong _credit = PeriodNs * Burst;
    private ulong _lastNs;
    private uint _missed;

    /// <summary>Whether a message may pass now; <paramref name="lost"/>: how many did not since the last one that did.</summary>
    public bool Allow(ulong nowNs, out uint lost)
    {
        lost = 0;
        _credit += nowNs - _lastNs;
        _lastNs = nowNs;
        if (_credit > PeriodNs * Burst)
            _credit = PeriodNs * Burst;
        if (_credit < PeriodNs)
        {
            _missed++;
            return false;
        }

        lost = _missed;
        _missed = 0;
        _credit -= PeriodNs;
        return true;
    }
}
