// SPDX-License-Identifier: MIT
// What the toolstack learns about a domain (struct xen_domctl_getdomaininfo). Called by sysctl and domctl.

using System;
using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Hypercalls;

/// <summary>One snapshot, taken without stopping the domain.</summary>
public static class DomainInfo
{
    private const int HandleOffset = 76;

    public static void Collect(Domain domain, Cpu caller, out DomctlGetDomainInfo info)
    {
        info = default;
        domain.Handle.AsSpan().CopyTo(AbiBytes.Of(ref info).Slice(HandleOffset));
        info.Domain = domain.Id;
        info.MaxVcpuId = DomctlLimits.InvalidMaxVcpuId;
        uint flags = (uint)DomainInfoFlags.Blocked;
        foreach (Vcpu? vcpu in domain.Vcpus)
        {
            if (vcpu == null)
                continue;
            info.CpuTime += domain.Host.Scheduler.GetRunningNs(vcpu, caller);
            info.MaxVcpuId = vcpu.Id;
            if (!vcpu.IsUp)
                continue;
            if ((vcpu.PauseFlags & VcpuPauseFlags.Blocked) == 0)
                flags &= ~(uint)DomainInfoFlags.Blocked;
            if (vcpu.IsRunningNow)
                flags |= (uint)DomainInfoFlags.Running;
            info.OnlineVcpuCount++;
        }

        flags = info.OnlineVcpuCount != 0 ? flags : 0;
        flags |= domain.IsDead ? (uint)DomainInfoFlags.Dying : 0;
        flags |= domain.IsShutDown ? (uint)DomainInfoFlags.Shutdown : 0;
        flags |= domain.ControllerPauseCount > 0 ? (uint)DomainInfoFlags.Paused : 0;
        flags |= domain.IsDebugged ? (uint)DomainInfoFlags.Debugged : 0;
        flags |= (domain.Settings.CreationFlags & (uint)CreateDomainFlags.XenstoreDomain) != 0 ? (uint)DomainInfoFlags.XenstoreDomain : 0;
        flags |= (uint)(DomainInfoFlags.HvmGuest | DomainInfoFlags.Hap);
        flags |= domain.ShutdownReason << (int)DomctlLimits.ShutdownShift;
        info.Flags = (DomainInfoFlags)flags;
        info.TotalPages = domain.Memory.Pages;
        info.MaxPages = Math.Min(domain.Memory.MaxPages, uint.MaxValue);
        info.OutstandingPages = domain.Memory.ClaimedPages;
        info.SharedInfoFrame = domain.SharedInfoGfn;
        info.GpAddressBits = (byte)domain.Host.Cpuid.Extended[8].Eax;
        info.ArchConfig.EmulationFlags = (X86EmulationFlags)domain.Settings.EmulationFlags;
    }
}
