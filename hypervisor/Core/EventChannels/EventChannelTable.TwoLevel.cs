// SPDX-License-Identifier: MIT
// The 2-level format: bitmaps of pending and masked ports in the shared-info page, and a selector word per vCPU
// (xen/include/public/xen.h, struct shared_info; behaviour: xen/common/event_2l.c).

using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.EventChannels;

public sealed partial class EventChannelTable
{
    /// <summary>Offsets in struct shared_info of a 64-bit guest.</summary>
    internal const int PendingOffset = 2048, MaskOffset = 2560;

    /// <summary>Offset of evtchn_pending_sel in struct vcpu_info.</summary>
    internal const int SelectorOffset = 8;

    private const int PortsPerWord = 64;

    private PhysicalMemory Memory => Domain.Host.Memory;

    // The order pending, selector, upcall is part of the contract: the guest clears them in the opposite one.
    private void RaiseTwoLevel(Vcpu vcpu, uint port, Cpu caller)
    {
        if (port >= PortsPerWord * PortsPerWord || Memory.TestAndSetBit(Domain.SharedInfo, (PendingOffset * 8) + (int)port))
            return;
        if (!TestSharedBit(MaskOffset, port))
            Select(vcpu, port, caller);
        WakePollers(port, caller);
    }

    private void UnmaskTwoLevel(Vcpu vcpu, uint port, Cpu caller)
    {
        if (Memory.TestAndClearBit(Domain.SharedInfo, (MaskOffset * 8) + (int)port) && TestSharedBit(PendingOffset, port))
            Select(vcpu, port, caller);
    }

    // A vCPU without a vcpu_info finds everything marked as pending once it registers one.
    private void Select(Vcpu vcpu, uint port, Cpu caller)
    {
        GuestArea info = vcpu.Info;
        if (info.IsMapped && !Memory.TestAndSetBit(info.Frame, ((info.Offset + SelectorOffset) * 8) + (int)(port / PortsPerWord)))
            vcpu.MarkEventsPending(caller);
    }

    /// <summary>Whether the selector of the vCPU names the port's word, for the debug key.</summary>
    internal bool IsSelected(uint port, uint vcpuId)
    {
        GuestArea info = Domain.FindVcpu(vcpuId)?.Info ?? default;
        return info.IsMapped && port < PortsPerWord * PortsPerWord &&
            Memory.TestBit(info.Frame, ((info.Offset + SelectorOffset) * 8) + (int)(port / PortsPerWord));
    }

    private void ClearPendingTwoLevel(uint port)
    {
        if (port < PortsPerWord * PortsPerWord)
            Memory.TestAndClearBit(Domain.SharedInfo, (PendingOffset * 8) + (int)port);
    }

    private bool TestSharedBit(int bitmapOffset, uint port) =>
        port < PortsPerWord * PortsPerWord && Memory.TestBit(Domain.SharedInfo, (bitmapOffset * 8) + (int)port);
}
