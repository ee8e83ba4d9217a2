// SPDX-License-Identifier: MIT
// Looks for what dead domains have left. Called by debug key 'm', and by tests after each destruction.

using XenSharp.Core.Domains;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Debugging;

/// <summary>Walks all of the machine's frames: for debugging only.</summary>
public static class LeakCheck
{
    /// <summary>Frames in use whose owner is gone.</summary>
    public static ulong FramesWithoutOwner(Host host)
    {
        ulong count = 0;
        for (ulong frame = 0; frame < host.Frames.FrameLimit; frame++)
        {
            if (!host.Allocator.IsKnown(frame))
                continue;
            ref FrameInfo info = ref host.Frames[new Mfn(frame)];
            if (info.State == FrameState.Domain && host.Domains.Find(info.Owner) == null)
                count++;
        }

        return count;
    }

    /// <summary>Regions of vCPUs that no domain of the list has. Domains on their way out make it more than 0 for a moment.</summary>
    public static long VcpusWithoutDomain(Host host)
    {
        long count = host.Regions.InUse(RegionKind.Vcpu);
        for (Domain? domain = host.Domains.NextFrom(0); domain != null; domain = host.Domains.NextFrom(domain.Id + 1))
        {
            foreach (Vcpu? vcpu in domain.Vcpus)
                count -= vcpu != null && vcpu.Region.IsValid ? 1 : 0;
        }

        return count;
    }
}
