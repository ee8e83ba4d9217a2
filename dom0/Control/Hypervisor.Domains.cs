// SPDX-License-Identifier: MIT
// Domains: their list, birth, pause, death, and what they are like. xen/include/public/domctl.h.

using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using XenSharp.Abi;
using XenSharp.Interop;

namespace XenSharp.Control;

public sealed partial class Hypervisor
{
    private const int ListBatch = 256;

    /// <summary>XEN_SYSCTL_getdomaininfolist: all domains from one id on, in the order of their ids, those that die included.</summary>
    public IReadOnlyList<DomctlGetDomainInfo> ListDomains(ushort first = 0, int most = int.MaxValue)
    {
        List<DomctlGetDomainInfo> domains = [];
        using HypercallBuffer buffer = Gate.Rent<DomctlGetDomainInfo>(ListBatch);
        while (domains.Count < most)
        {
            SysctlGetDomainInfoList argument = new() { FirstDomain = first, MaxDomains = (uint)Math.Min(ListBatch, most - domains.Count), Buffer = buffer.Address };
            Sysctl(SysctlCommand.GetDomainInfoList, ref argument, "getdomaininfolist");
            int count = (int)argument.DomainCount;
            domains.AddRange(buffer.Items<DomctlGetDomainInfo>()[..count]);
            if (count < ListBatch || domains[^1].Domain >= DomainIds.FirstReserved - 1)
                break;
            first = (ushort)(domains[^1].Domain + 1);
        }
        return domains;
    }

    /// <summary>XEN_DOMCTL_getdomaininfo; false if there is no such domain.</summary>
    public bool TryGetDomain(ushort domain, out DomctlGetDomainInfo info)
    {
        info = default;
        long result = TryDomctl(DomctlCommand.GetDomainInfo, domain, ref info, out _);
        if (result < 0 && result != -(long)Errno.NoProcess)
            Check(result, "getdomaininfo", domain);
        // The hypervisor answers with the next domain there is.
        return result >= 0 && info.Domain == domain;
    }

    /// <summary>XEN_DOMCTL_createdomain; the new domain's id, and in the structure what became of the settings.</summary>
    /// <param name="wanted">An id, or 0 for the next free one.</param>
    public ushort CreateDomain(ref DomctlCreateDomain settings, ushort wanted = 0) => Domctl(DomctlCommand.CreateDomain, wanted, ref settings, "createdomain");

    /// <summary>XEN_DOMCTL_destroydomain; returns when the hypervisor has let go of all that nobody else holds.</summary>
    public void DestroyDomain(ushort domain) => Domctl(DomctlCommand.DestroyDomain, domain, "destroydomain");

    /// <summary>XEN_DOMCTL_pausedomain. Pauses are counted.</summary>
    public void PauseDomain(ushort domain) => Domctl(DomctlCommand.PauseDomain, domain, "pausedomain");

    public void UnpauseDomain(ushort domain) => Domctl(DomctlCommand.UnpauseDomain, domain, "unpausedomain");

    /// <summary>XEN_DOMCTL_resumedomain: undoes a shutdown.</summary>
    public void ResumeDomain(ushort domain) => Domctl(DomctlCommand.ResumeDomain, domain, "resumedomain");

    /// <summary>SCHEDOP_remote_shutdown: as if the domain itself had shut down.</summary>
    public void ShutDownDomain(ushort domain, ShutdownReason reason)
    {
        SchedulerRemoteShutdown argument = new() { DomainId = domain, Reason = reason };
        Check(CallWith(HypercallNumber.SchedulerOperation, (ulong)SchedulerOperation.RemoteShutdown, ref argument), "SCHEDOP_remote_shutdown", domain);
    }

    public void SetMaxMemory(ushort domain, ulong kilobytes)
    {
        DomctlMaxMemory argument = new() { MaxMemoryKb = kilobytes };
        Domctl(DomctlCommand.MaxMemory, domain, ref argument, "max_mem");
    }

    public void SetMaxVcpus(ushort domain, uint count)
    {
        DomctlMaxVcpus argument = new() { Max = count };
        Domctl(DomctlCommand.MaxVcpus, domain, ref argument, "max_vcpus");
    }

    /// <summary>XEN_DOMCTL_setdomainhandle: the UUID.</summary>
    public void SetHandle(ushort domain, Guid handle)
    {
        DomctlSetDomainHandle argument = new() { Handle = ToHandle(handle) };
        Domctl(DomctlCommand.SetDomainHandle, domain, ref argument, "setdomainhandle");
    }

    /// <summary>XEN_DOMCTL_settimeoffset: how far the domain's clock is from UTC.</summary>
    public void SetTimeOffset(ushort domain, long seconds)
    {
        DomctlSetTimeOffset argument = new() { TimeOffsetSeconds = seconds };
        Domctl(DomctlCommand.SetTimeOffset, domain, ref argument, "settimeoffset");
    }

    public DomctlTscInfo GetTscInfo(ushort domain)
    {
        DomctlTscInfo argument = default;
        Domctl(DomctlCommand.GetTscInfo, domain, ref argument, "gettscinfo");
        return argument;
    }

    public void SetTscInfo(ushort domain, DomctlTscInfo info) => Domctl(DomctlCommand.SetTscInfo, domain, ref info, "settscinfo");

    /// <summary>XEN_DOMCTL_sendtrigger: an NMI, a reset, a press on the power button, ...</summary>
    public void SendTrigger(ushort domain, SendTrigger trigger, uint vcpu)
    {
        DomctlSendTrigger argument = new() { Trigger = trigger, Vcpu = vcpu };
        Domctl(DomctlCommand.SendTrigger, domain, ref argument, "sendtrigger");
    }

    public void SetDebugging(ushort domain, bool isOn)
    {
        DomctlSetDebugging argument = new() { Enable = isOn ? (byte)1 : (byte)0 };
        Domctl(DomctlCommand.SetDebugging, domain, ref argument, "setdebugging");
    }

    /// <summary>XEN_DOMCTL_set_virq_handler: from now on this domain gets a global virtual interrupt.</summary>
    public void SetVirqHandler(ushort domain, VirtualIrq virq)
    {
        DomctlSetVirqHandler argument = new() { Virq = (uint)virq };
        Domctl(DomctlCommand.SetVirqHandler, domain, ref argument, "set_virq_handler");
    }

    /// <summary>A domain's UUID in the form that the interface has; the bytes in the order in which they are written.</summary>
    public static DomainHandle ToHandle(Guid id)
    {
        DomainHandle handle = default;
        id.TryWriteBytes(handle, bigEndian: true, out _);
        return handle;
    }

    public static Guid ToGuid(in DomainHandle handle) => new(MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(in handle, 1)), bigEndian: true);
}
