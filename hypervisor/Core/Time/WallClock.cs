// SPDX-License-Identifier: MIT
// The time of day, as domains find it in their shared-info page (wc_version, wc_sec, wc_nsec, xen/include/public/xen.h).

using XenSharp.Core.Domains;
using XenSharp.Edge;

namespace XenSharp.Core.Time;

/// <summary>Time of day at system time 0; the guest adds system time. Set at boot and by XENPF_settime.</summary>
public static class WallClock
{
    private const ulong Second = 1_000_000_000;
    private const int VersionOffset = 3072;
    private const int SecondsOffset = VersionOffset + 4;
    private const int NanosecondsOffset = VersionOffset + 8;
    private const int SecondsHighOffset = VersionOffset + 12;

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
            uint version = (memory.Read32(frame, VersionOffset) + 1) | 1;
            ulong seconds = host.Clock.WallClockSeconds + (ulong)domain.TimeOffsetSeconds;
            memory.Write32(frame, VersionOffset, version);
            memory.Write32(frame, SecondsOffset, (uint)seconds);
            memory.Write32(frame, NanosecondsOffset, host.Clock.WallClockNanoseconds);
            memory.Write32(frame, SecondsHighOffset, (uint)(seconds >> 32));
            memory.Write32(frame, VersionOffset, version + 1);
        }
    }
}
