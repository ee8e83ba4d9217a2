// SPDX-License-Identifier: MIT
// Copies between the hypervisor and a guest's virtual address space: the only way in which guest data enters or leaves.

using System;
using System.Runtime.CompilerServices;
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
    private const ulong NoPlace = ulong.MaxValue;

    public static bool Read(Vcpu vcpu, ulong address, Span<byte> destination) => Read(vcpu, address, destination, GuestPageAccess.Read);

    public static bool Write(Vcpu vcpu, ulong address, ReadOnlySpan<byte> source)
    {
        while (source.Length > 0)
        {
            int offset = (int)(address & FrameSize.Mask);
            int count = Math.Min(source.Length, FrameSize.Bytes - offset);
            vcpu.Processor.BeginCopy();
            Mfn frame = GuestPageWalk.Translate(vcpu, address, GuestPageAccess.Write);
            if (frame != Mfn.Invalid)
                vcpu.Host.Memory.Write(frame, offset, source.Slice(0, count));
            vcpu.Processor.EndCopy();
            if (frame == Mfn.Invalid)
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
    public static bool TryRead<T>(Vcpu vcpu, ulong address, out T value) where T : unmanaged => TryRead(vcpu, address, GuestPageAccess.Read, out value);

    /// <summary>The same for a structure into which results will be written: false, too, when it cannot be written.</summary>
    public static bool TryReadForUpdate<T>(Vcpu vcpu, ulong address, out T value) where T : unmanaged => TryRead(vcpu, address, GuestPageAccess.Write, out value);

    /// <summary>Copies one structure out.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool TryWrite<T>(Vcpu vcpu, ulong address, ref readonly T value) where T : unmanaged
    {
        if ((int)(address & FrameSize.Mask) > FrameSize.Bytes - AbiBytes.SizeOf<T>())
            return Write(vcpu, address, AbiBytes.OfReadOnly(in value));
        ulong place = BeginCopy(vcpu, address, GuestPageAccess.Write);
        if (place == NoPlace)
            return false;
        AbiBytes.Write(vcpu.Host.Memory, place, in value);
        vcpu.Processor.EndCopy();
        return true;
    }

    // Not inlined, so that the compiler cannot take a part of the value from guest memory once more.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryRead<T>(Vcpu vcpu, ulong address, GuestPageAccess access, out T value) where T : unmanaged
    {
        if ((int)(address & FrameSize.Mask) > FrameSize.Bytes - AbiBytes.SizeOf<T>())
            return TryReadPages(vcpu, address, access, out value);
        ulong place = BeginCopy(vcpu, address, access);
        if (place == NoPlace)
        {
            value = default;
            return false;
        }

        AbiBytes.Read(vcpu.Host.Memory, place, out value);
        vcpu.Processor.EndCopy();
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryReadPages<T>(Vcpu vcpu, ulong address, GuestPageAccess access, out T value) where T : unmanaged
    {
        value = default;
        return Read(vcpu, address, AbiBytes.Of(ref value), access);
    }

    // Announces a copy and says at which machine address it begins; NoPlace: the access faults, and nothing is announced.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong BeginCopy(Vcpu vcpu, ulong address, GuestPageAccess access)
    {
        vcpu.Processor.BeginCopy();
        Mfn frame = vcpu.Translations.Repeat(address, access);
        return frame != Mfn.Invalid ? frame.Address + (address & FrameSize.Mask) : BeginCopyAnew(vcpu, address, access);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ulong BeginCopyAnew(Vcpu vcpu, ulong address, GuestPageAccess access)
    {
        while (true)
        {
            Mfn frame = GuestPageWalk.TranslateAnew(vcpu, address, access);
            if (frame != Mfn.Invalid)
                return frame.Address + (address & FrameSize.Mask);
            vcpu.Processor.EndCopy();
            if (!OnDemandMemory.TryPopulateFor(vcpu))
                return NoPlace;
            vcpu.Processor.BeginCopy();
        }
    }

    private static bool Read(Vcpu vcpu, ulong address, Span<byte> destination, GuestPageAccess access)
    {
        while (destination.Length > 0)
        {
            int offset = (int)(address & FrameSize.Mask);
            int count = Math.Min(destination.Length, FrameSize.Bytes - offset);
            vcpu.Processor.BeginCopy();
            Mfn frame = GuestPageWalk.Translate(vcpu, address, access);
            if (frame != Mfn.Invalid)
                vcpu.Host.Memory.Read(frame, offset, destination.Slice(0, count));
            vcpu.Processor.EndCopy();
            if (frame == Mfn.Invalid)
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

    /// <summary>The address of an array element, or false when it lies beyond the address space.</summary>
    public static bool TryIndex(ulong address, ulong index, int elementSize, out ulong element)
    {
        element = address + (index * (ulong)elementSize);
        return index <= (ulong.MaxValue - address) / (ulong)elementSize;
    }
}
