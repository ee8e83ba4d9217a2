// SPDX-License-Identifier: MIT
// The 2-level format: bitmaps of pending and masked ports in the shared-info page, and a selector word per vCPU
// (xen/include/public/xen.h, struct shared_info; behaviour: xen/common/event_2l.c).

using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.EventChannels;

public sealed partial class EventChannelTable
{
    /// <summary>Offset of evtchn_pending in struct shared_info.</summary>
    private const int PendingOffset = 2048;

    // As many words as a word has bits: 64, or 32 for a guest with 32-bit structures. evtchn_mask follows evtchn_pending.
    private uint TwoLevelLimit => 1u << (2 * Domain.EventWordShift);

    private int PendingPlace(uint port) => (PendingOffset * 8) + (int)port;

    private int MaskPlace(uint port) => (PendingOffset * 8) + (int)TwoLevelLimit + (int)port;

    // evtchn_pending_sel is the second word of struct vcpu_info.
    private int SelectorPlace(GuestArea info, uint port) => (info.Offset * 8) + (1 << Domain.EventWordShift) + (int)(port >> Domain.EventWordShift);

    private PhysicalMemory Memory => Domain.Host.Memory;

    // The order pending, selector, upcall is part of the contract: the guest clears them in the opposite one.
    private void RaiseTwoLevel(Vcpu vcpu, uint port, Cpu caller)
    {
        if (port >= TwoLevelLimit || Memory.TestAndSetBit(Domain.SharedInfo, PendingPlace(port)))
            return;
        if (!IsMaskedTwoLevel(port))
            Select(vcpu, port, caller);
        WakePollers(port, caller);
    }

    private void UnmaskTwoLevel(Vcpu vcpu, uint port, Cpu caller)
    {
        if (port < TwoLevelLimit && Memory.TestAndClearBit(Domain.SharedInfo, MaskPlace(port)) && IsPendingTwoLevel(port))
            Select(vcpu, port, caller);
    }

    // A vCPU without a vcpu_info finds everything marked as pending once it registers one.
    private void Select(Vcpu vcpu, uint port, Cpu caller)
    {
        GuestArea info = vcpu.Info;
        if (info.IsMapped && !Memory.TestAndSetBit(info.Frame, SelectorPlace(info, port)))
            vcpu.MarkEventsPending(caller);
    }

    /// <summary>Whether the selector of the vCPU names the port's word, for the debug key.</summary>
    internal bool IsSelected(uint port, uint vcpuId)
    {
        GuestArea info = Domain.FindVcpu(vcpuId)?.Info ?? default;
        return info.IsMapped && port < TwoLevelLimit &&
            Memory.TestBit(info.Frame, SelectorPlace(info, port));
    }

    private void ClearPendingTwoLevel(uint port)
    {
        if (port < TwoLevelLimit)
            Memory.TestAndClearBit(Domain.SharedInfo, PendingPlace(port));
    }

    private bool IsPendingTwoLevel(uint port) => port < TwoLevelLimit && Memory.TestBit(Domain.SharedInfo, PendingPlace(port));

    private bool IsMaskedTwoLevel(uint port) => port < TwoLevelLimit && Memory.TestBit(Domain.SharedInfo, MaskPlace(port));
}
