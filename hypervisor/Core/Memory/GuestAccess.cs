// SPDX-License-Identifier: MIT
// Copies between the hypervisor and a guest's virtual address space: the only way in which guest data enters or leaves.

using System;
using XenSharp.Core.Domains;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Memory;

/// <summary>
/// Each copy walks the guest's page tables as the CPU would, page by page. False (-EFAULT) when a page is not mapped or not writable;
/// what was copied before that stays. What a guest supplies is copied once and checked afterwards, never read twice.
/// </summary>
public static class GuestAccess
{
    public static bool Read(Vcpu vcpu, ulong address, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            int offset = (int)(address & FrameSize.Mask);
            int count = Math.Min(destination.Length, FrameSize.Bytes - offset);
            vcpu.Processor.BeginCopy();
            bool isMapped = GuestPageWalk.Translate(vcpu, address, GuestPageAccess.Read, out Mfn frame);
            if (isMapped)
                vcpu.Host.Memory.Read(frame, offset, destination.Slice(0, count));
            vcpu.Processor.EndCopy();
            if (!isMapped)
            {
                if (OnDemandMemory.TryPopulateFor(vcpu))
                    continue;
                return false;
            }

            destination = destination.Slice(count);
            address += (ulong)count;
        }

        return true;
    }

    public static bool Write(Vcpu vcpu, ulong address, ReadOnlySpan<byte> source)
    {
        while (source.Length > 0)
        {
            int offset = (int)(address & FrameSize.Mask);
            int count = Math.Min(source.Length, FrameSize.Bytes - offset);
            vcpu.Processor.BeginCopy();
            bool isMapped = GuestPageWalk.Translate(vcpu, address, GuestPageAccess.Write, out Mfn frame);
            if (isMapped)
                vcpu.Host.Memory.Write(frame, offset, source.Slice(0, count));
            vcpu.Processor.EndCopy();
            if (!isMapped)
            {
                if (OnDemandMemory.TryPopulateFor(vcpu))
                    continue;
                return false;
            }

            source = source.Slice(count);
            address += (ulong)count;
        }

        return true;
    }

    /// <summary>Copies one structure in.</summary>
    public static bool TryRead<T>(Vcpu vcpu, ulong address, out T value) where T : unmanaged
    {
        value = default;
        return Read(vcpu, address, AbiBytes.Of(ref value));
    }

    /// <summary>Copies one structure out.</summary>
    public static bool TryWrite<T>(Vcpu vcpu, ulong address, ref readonly T value) where T : unmanaged =>
        Write(vcpu, address, AbiBytes.OfReadOnly(in value));

    /// <summary>The address of an array element, or false when it lies beyond the address space.</summary>
    public static bool TryIndex(ulong address, ulong index, int elementSize, out ulong element)
    {
        element = address + (index * (ulong)elementSize);
        return index <= (ulong.MaxValue - address) / (ulong)elementSize;
    }
}
