// SPDX-License-Identifier: MIT
// Where vCPUs may run, and how much: the parameters behind domctl, sysctl and SCHEDOP_pin_override.

using System;
using System.Numerics;
using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Vcpus;

namespace XenSharp.Core.Scheduling;

public sealed partial class Scheduler
{
    private const uint LongestRateLimitUs = 500_000;
    private const uint ShortestRateLimitUs = 100;

    /// <summary>Says where a vCPU may run; -EINVAL when no CPU is left, -EBUSY while the guest has pinned it.</summary>
    public long SetHardAffinity(Vcpu vcpu, ulong processors, Cpu caller)
    {
        if ((processors & AllProcessors) == 0)
            return -(long)Errno.Inval;
        using (_queue.Lock.Enter(caller))
        {
            if (vcpu.IsAffinityOverridden)
                return -(long)Errno.Busy;
            vcpu.HardAffinity = processors;
            MoveLocked(vcpu, caller);
        }

        return 0;
    }

    /// <summary>Says where a vCPU runs best; a set without CPUs is taken as it is.</summary>
    public long SetSoftAffinity(Vcpu vcpu, ulong processors, Cpu caller)
    {
        using (_queue.Lock.Enter(caller))
        {
            if (vcpu.IsAffinityOverridden)
                return -(long)Errno.Busy;
            vcpu.SoftAffinity = processors;
        }

        return 0;
    }

    /// <summary>
    /// SCHEDOP_pin_override: binds a vCPU to one CPU, or (<paramref name="processor"/> below 0) gives it its old affinity back.
    /// -EINVAL when there is no such CPU or nothing to give back, -EBUSY when it is bound already.
    /// </summary>
    public long OverrideAffinity(Vcpu vcpu, int processor, Cpu caller)
    {
        using (_queue.Lock.Enter(caller))
        {
            if (processor < 0)
            {
                if (!vcpu.IsAffinityOverridden)
                    return -(long)Errno.Inval;
                vcpu.IsAffinityOverridden = false;
                vcpu.HardAffinity = vcpu.SavedHardAffinity;
            }
            else
            {
                if (processor >= host.ProcessorCount)
                    return -(long)Errno.Inval;
                if (vcpu.IsAffinityOverridden)
                    return -(long)Errno.Busy;
                vcpu.IsAffinityOverridden = true;
                vcpu.SavedHardAffinity = vcpu.HardAffinity;
                vcpu.HardAffinity = 1UL << processor;
            }

            MoveLocked(vcpu, caller);
        }

        return 0;
    }

    /// <summary>Bound to exactly one CPU.</summary>
    public static bool IsPinned(Vcpu vcpu) => BitOperations.IsPow2(vcpu.HardAffinity);

    /// <summary>
    /// XEN_DOMCTL_SCHEDOP_putinfo: a weight of 0 stays as it is, a cap of 0 takes the limit away. -EINVAL when the cap is above
    /// 100 % of each of the domain's vCPUs.
    /// </summary>
    public long SetParameters(Domain domain, ushort weight, ushort cap, Cpu caller)
    {
        using (_queue.Lock.Enter(caller))
        {
            if (weight != 0)
            {
                ulong now = host.Clock.Now;
                foreach (Vcpu? vcpu in domain.Vcpus)
                {
                    if (vcpu != null && vcpu.IsAdded && vcpu.Processor.Current == vcpu)
                        _queue.Burn(vcpu, now);
                }

                domain.Scheduling.Weight = weight;
                _queue.FindMaxWeight();
            }

            if (cap > 100 * domain.Vcpus.Length)
                return -(long)Errno.Inval;
            ChangeCap(domain, cap, caller);
        }

        return 0;
    }

    /// <summary>XEN_SYSCTL_SCHEDOP_putinfo of credit2: 0 or 100 µs to 500 ms, else -EINVAL.</summary>
    public long SetRateLimit(uint microseconds)
    {
        if (microseconds != 0 && microseconds is < ShortestRateLimitUs or > LongestRateLimitUs)
            return -(long)Errno.Inval;
        RateLimitUs = microseconds;
        return 0;
    }

    private void MoveLocked(Vcpu vcpu, Cpu caller)
    {
        if (!vcpu.IsAdded)
            return;
        if (vcpu.IsQueued)
            Tickle(vcpu, caller, host.Clock.Now);
        else if (vcpu.RunningNow && (vcpu.HardAffinity & (1UL << vcpu.Processor.Id)) == 0)
            Poke(vcpu.Processor, caller);
    }
}
