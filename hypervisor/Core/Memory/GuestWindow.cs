// SPDX-License-Identifier: MIT
// A page of a guest's address space that a list of arguments lies in: one walk of the page tables for many small copies.

using System;
using XenSharp.Core.Domains;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Memory;

/// <summary>
/// For the length of one hypercall, in which the guest cannot expect a change of its page tables to be seen. The translation is used
/// while the domain's p2m has not changed, and each copy is announced, so a page that the domain has lost is never touched.
/// Pages must be writable, since results go back into the list.
/// </summary>
public ref struct GuestWindow(Vcpu vcpu)
{
    private const ulong NoPage = ulong.MaxValue;

    private ulong _page = NoPage;
    private Mfn _frame;
    private uint _generation;

    /// <summary>Copies one structure in; false (-EFAULT) when it cannot be read and written.</summary>
    public bool TryRead<T>(ulong address, out T value) where T : unmanaged
    {
        value = default;
        Span<byte> destination = AbiBytes.Of(ref value);
        int offset = (int)(address & FrameSize.Mask);
        if (offset + destination.Length > FrameSize.Bytes)
            return GuestAccess.Read(vcpu, address, destination);
        bool isMapped;
        do
        {
            vcpu.Processor.BeginCopy();
            isMapped = Find(address);
            if (isMapped)
                vcpu.Host.Memory.Read(_frame, offset, destination);
            vcpu.Processor.EndCopy();
        }
        while (!isMapped && OnDemandMemory.TryPopulateFor(vcpu));
        return isMapped;
    }

    /// <summary>Copies one structure out.</summary>
    public bool TryWrite<T>(ulong address, ref readonly T value) where T : unmanaged
    {
        ReadOnlySpan<byte> source = AbiBytes.OfReadOnly(in value);
        int offset = (int)(address & FrameSize.Mask);
        if (offset + source.Length > FrameSize.Bytes)
            return GuestAccess.Write(vcpu, address, source);
        bool isMapped;
        do
        {
            vcpu.Processor.BeginCopy();
            isMapped = Find(address);
            if (isMapped)
                vcpu.Host.Memory.Write(_frame, offset, source);
            vcpu.Processor.EndCopy();
        }
        while (!isMapped && OnDemandMemory.TryPopulateFor(vcpu));
        return isMapped;
    }

    // Within an announced copy.
    private bool Find(ulong address)
    {
        uint generation = vcpu.Domain.P2m.Generation;
        ulong page = address >> FrameSize.Shift;
        if (page == _page && generation == _generation)
            return true;
        _page = NoPage;
        if (!GuestPageWalk.Translate(vcpu, address, GuestPageAccess.Write, out _frame))
            return false;
        _page = page;
        _generation = generation;
        return true;
    }
}
