// SPDX-License-Identifier: MIT
// Makes a domain (XEN_DOMCTL_createdomain) and its vCPUs (XEN_DOMCTL_max_vcpus). Called by domctl, and by the port to learn their size.
//
// Behaviour: domain_create, sanitise_domain_config, arch_sanitise_domain_config, arch_domain_create, grant_table_init and vcpu_create of Xen.

using XenSharp.Abi;
using XenSharp.Core.Debugging;
using XenSharp.Core.Memory;
using XenSharp.Core.Options;
using XenSharp.Core.Time;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Domains;

/// <summary>Either everything is made or nothing is left.</summary>
public static class DomainCreation
{
    private const uint KnownFlags = 0xff, HvmFlag = (uint)CreateDomainFlags.Hvm, HapFlag = (uint)CreateDomainFlags.Hap;
    private const uint RelaxedMsrs = 1, GrantVersionMask = 0xf, AllEmulation = 0x7ff;

    /// <summary>
    /// Pages of the nested page table before the toolstack sets a limit (hap_set_allocation of a new domain in Xen gives as many).
    /// </summary>
    private const ulong InitialPagingPages = 256;

    /// <summary>Makes the domain that the tools ask for; <paramref name="wantedId"/> 0 or reserved: any. It is paused.</summary>
    public static long Create(Host host, ushort wantedId, in DomctlCreateDomain request, Cpu caller, out Domain? domain)
    {
        domain = null;
        using SpinLock.Guard guard = host.Domains.CreationLock.Enter(caller);
        ushort id = wantedId;
        if (id is > 0 and < DomainTable.Capacity)
        {
            if (host.Domains.Find(id) != null)
                return EEXIST;
        }
        else
        {
            id = host.Domains.ChooseId();
            if (id == 0)
                return ENOMEM;
        }

        long result = Check(host, in request);
        if (result != 0)
            return result;
        if (!host.Regions.TryBegin(RegionKind.Domain, caller, out RegionSlot region))
            return ENOMEM;
        Domain? made = Construct(host, id, in request);
        host.Regions.End(caller);
        if (made == null || !Furnish(made, in request, caller))
        {
            if (made != null)
                Discard(made, caller);
            host.Regions.Recycle(region, caller);
            return ENOMEM;
        }

        made.Region = region;
        using (host.Domains.Lock.Enter(caller))
            host.Domains.Add(made);
        domain = made;
        return 0;
    }

    /// <summary>Makes the vCPUs that are not there yet, from <paramref name="caller"/>'s budget: false when it is used up before the last one.</summary>
    public static bool CreateVcpus(Domain domain, ref Hypercalls.HypercallContinuation budget, Cpu caller, out long result)
    {
        const int cost = 30;
        result = 0;
        for (uint id = 0; id < (uint)domain.Settings.MaxVcpus; id++)
        {
            if (domain.FindVcpu(id) != null)
                continue;
            if (!budget.Spend(cost))
                return false;
            result = CreateVcpu(domain, id, caller);
            if (result != 0)
                return true;
        }

        return true;
    }

    private static long CreateVcpu(Domain domain, uint id, Cpu caller)
    {
        Host host = domain.Host;
        using SpinLock.Guard guard = domain.Lock.Enter(caller);
        if (domain.IsDying || domain.FindVcpu(id) != null)
            return domain.IsDying ? EINVAL : 0;
        if (host.Regions.InUse(RegionKind.Vcpu) >= TimerQueue.MaxGuestVcpus || !host.Regions.TryBegin(RegionKind.Vcpu, caller, out RegionSlot region))
            return ENOMEM;
        PlantedFault.StrikeVcpu(host);
        Vcpu? vcpu = Vcpu.Create(domain, id, caller);
        host.Regions.End(caller);
        if (vcpu == null)
        {
            host.Regions.Recycle(region, caller);
            return ENOMEM;
        }

        vcpu.Region = region;
        return 0;
    }

    private static long Check(Host host, in DomctlCreateDomain request)
    {
        uint flags = (uint)request.Flags;
        if ((flags & ~KnownFlags) != 0 || (request.GrantOptions & ~GrantVersionMask) != 0 || request.MaxVcpus < 1)
            return EINVAL;
        // Domains without nested paging do not exist here: neither PV nor shadow paging.
        if ((flags & (HvmFlag | HapFlag)) != (HvmFlag | HapFlag) || request.MaxVcpus > Domain.MaxVcpus)
            return EINVAL;
        const CreateDomainFlags refused = CreateDomainFlags.Iommu | CreateDomainFlags.Vpmu | CreateDomainFlags.S3Integrity | CreateDomainFlags.NestedVirt;
        if ((request.Flags & refused) != 0 || request.IommuOptions != 0 || request.VmTraceSize != 0)
            return EINVAL;
        if (((uint)request.Arch.MiscFlags & ~RelaxedMsrs) != 0 || ((uint)request.Arch.EmulationFlags & ~AllEmulation) != 0)
            return EINVAL;
        if ((uint)request.Arch.EmulationFlags != DomainSettings.EmulatedLocalApic)
            return EOPNOTSUPP;
        BootOptions options = host.Options;
        uint version = request.GrantOptions & GrantVersionMask;
        if (version == 0 || version > options.GrantMaxVersion)
            return EINVAL;
        if (request.MaxGrantFrames == 0 || request.MaxGrantFrames > (long)options.MaxGrantFrames || request.MaxMaptrackFrames > (long)options.MaxMaptrackFrames)
            return EINVAL;
        return request.CpupoolId != 0 ? ESRCH : 0;
    }

    /// <summary>The objects of a domain, nothing but objects and the first page of its translation. Inside a region.</summary>
    public static Domain? Construct(Host host, ushort id, in DomctlCreateDomain request)
    {
        BootOptions options = host.Options;
        DomainSettings settings = new()
        {
            MaxVcpus = (int)request.MaxVcpus,
            MaxEventChannelPort = request.MaxEventChannelPort,
            MaxGrantFrames = request.MaxGrantFrames < 0 ? options.MaxGrantFrames : (uint)request.MaxGrantFrames,
            MaxMaptrackFrames = request.MaxMaptrackFrames < 0 ? options.MaxMaptrackFrames : (uint)request.MaxMaptrackFrames,
            MaxGrantVersion = request.GrantOptions & GrantVersionMask,
            MaxPages = 0,
            CreationFlags = (uint)request.Flags,
            EmulationFlags = (uint)request.Arch.EmulationFlags,
        };
        PagingPool pool = new(host) { MaxPages = InitialPagingPages };
        P2m? p2m = host.Guests.CreateP2m(pool);
        return p2m == null ? null : new Domain(host, id, settings, p2m) { Paging = pool };
    }

    // What needs pages of its own.
    private static bool Furnish(Domain domain, in DomctlCreateDomain request, Cpu caller)
    {
        if (!domain.Memory.TryAllocate(out Mfn shared))
            return false;
        domain.SharedInfo = shared;
        if (!domain.EventChannels.Initialize())
            return false;
        domain.Grants.MaxVersion = domain.Settings.MaxGrantVersion;
        DomctlCreateDomain copy = request;
        AbiBytes.OfReadOnly(in copy.Handle).CopyTo(domain.Handle);
        WallClock.Publish(domain, caller);
        domain.PauseCount = 1;
        domain.ControllerPauseCount = 1;
        return true;
    }

    private static void Discard(Domain domain, Cpu caller)
    {
        domain.EventChannels.Release();
        domain.Grants.Release();
        if (domain.SharedInfo.IsValid)
            domain.Memory.Free(domain.SharedInfo);
        domain.P2m.Release();
    }
}
