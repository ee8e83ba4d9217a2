// SPDX-License-Identifier: MIT
// The time of day, as domains find it in their shared-info page (wc_version, wc_sec, wc_nsec, xen/include/public/xen.h).

using XenSharp.Core.Domains;
using XenSharp.Edge;

namespace XenSharp.Core.Time;

/// <summary>Time of day at system time 0; the guest adds system time. Set at boot and by XENPF_settime.</summary>
public static class WallClock
{
    private const ulong Second = 1_000_000_000;

    // wc_version is behind the two bitmaps of events; the high seconds follow the rest, or lie at the end of the 32-bit form's arch part.
    private const int BitmapsOffset = 2048;
    private const int SecondsHighOffset = 12, NarrowSecondsHighOffset = 36;

    /// <summary>It was <paramref name="seconds"/> and <paramref name="nanoseconds"/> since 1970 at the system time given (XENPF_settime); all domains are told.</summary>
    public static void Set(Host host, ulong seconds, uint nanoseconds, ulong systemNs, Cpu caller)
    {
        ulong atZero = (seconds * Second) + nanoseconds - systemNs;
        using (host.Clock.WallClockLock.Enter(caller))
        {
            host.Clock.WallClockSeconds = atZero / Second;
            host.Clock.WallClockNanoseconds = (uint)(atZero % Second);
        }

        for (Domain? domain = host.Domains.NextFrom(0); domain != null; domain = host.Domains.NextFrom(domain.Id + 1))
            Publish(domain, caller);
    }

    /// <summary>Writes a domain's copy: when its shared-info page exists, and when its time offset changes (XEN_DOMCTL_settimeoffset).</summary>
    public static void Publish(Domain domain, Cpu caller)
    {
        Mfn frame = domain.SharedInfo;
        if (!frame.IsValid)
            return;
        Host host = domain.Host;
        PhysicalMemory memory = host.Memory;
        using (host.Clock.WallClockLock.Enter(caller))
        {
            int shift = domain.EventWordShift, start = BitmapsOffset + (1 << (2 * shift - 2));
            uint version = (memory.Read32(frame, start) + 1) | 1;
            ulong seconds = host.Clock.WallClockSeconds + (ulong)domain.TimeOffsetSeconds;
            memory.Write32(frame, start, version);
            memory.Write32(frame, start + 4, (uint)seconds);
            memory.Write32(frame, start + 8, host.Clock.WallClockNanoseconds);
            memory.Write32(frame, start + (shift == 6 ? SecondsHighOffset : NarrowSecondsHighOffset), (uint)(seconds >> 32));
            memory.Write32(frame, start, version + 1);
        }
    }
}
