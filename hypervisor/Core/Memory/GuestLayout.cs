// SPDX-License-Identifier: MIT
// The structures of hypercalls as a 32-bit caller lays them out: words of 4 bytes, 64-bit members aligned to 4
// (xen/include/public/arch-x86/xen-x86_32.h). Called by the handlers whose structures differ between the widths.

using System;
using System.Runtime.CompilerServices;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Memory;

/// <summary>
/// A handler knows each structure in its 64-bit form only. Its fields are named in order by letters, from which the 32-bit form is read
/// and written: W an unsigned long, xen_pfn_t or guest handle; Q, D, H and B 64, 32, 16 and 8 bits; | where a structure inside begins or
/// ends. Words are zero-extended when read and cut off when written, as in Xen.
/// </summary>
public static class GuestLayout
{
    private const int MaxNarrowSize = 64;

    public static ReadOnlySpan<byte> MemoryReservation => "WWDDH"u8;

    public static ReadOnlySpan<byte> MemoryExchange => "WWDDH|WWDDH|W"u8;

    public static ReadOnlySpan<byte> AddToPhysmap => "HHDWW"u8;

    public static ReadOnlySpan<byte> AddToPhysmapBatch => "HHHHWWW"u8;

    public static ReadOnlySpan<byte> RemoveFromPhysmap => "HW"u8;

    public static ReadOnlySpan<byte> MemoryMap => "DW"u8;

    public static ReadOnlySpan<byte> ForeignMemoryMap => "H|DW"u8;

    public static ReadOnlySpan<byte> PopulateOnDemandTarget => "QQQQH"u8;

    public static ReadOnlySpan<byte> ReservedDeviceMemoryMap => "DDWHH"u8;

    public static ReadOnlySpan<byte> AcquireResource => "HHDDDQW"u8;

    public static ReadOnlySpan<byte> GrantTableSetupTable => "HDHW"u8;

    public static ReadOnlySpan<byte> GrantTableCopy => "WHH|WHH|HHH"u8;

    public static ReadOnlySpan<byte> SchedulerPoll => "WDQ"u8;

    public static ReadOnlySpan<byte> RunstateInfo => "DQQQQQ"u8;

    public static ReadOnlySpan<byte> SingleShotTimer => "QD"u8;

    public static ReadOnlySpan<byte> DeviceModelBuffer => "WW"u8;

    public static ReadOnlySpan<byte> Arguments => "WWWWW"u8;

    /// <summary>A multicall's entry up to its fifth argument.</summary>
    public static ReadOnlySpan<byte> MulticallEntry => "WWWWWWW"u8;

    public static ReadOnlySpan<byte> ReadMemoryType => "DWQD"u8;

    public static ReadOnlySpan<byte> MicrocodeUpdate => "WD"u8;

    public static ReadOnlySpan<byte> ResourceOperation => "DDW"u8;

    public static ReadOnlySpan<byte> SymbolData => "DDWQB"u8;

    /// <summary>Copies one structure in, in the caller's layout.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryRead<T>(Vcpu caller, ulong address, ReadOnlySpan<byte> fields, out T value) where T : unmanaged
    {
        if (!caller.IsNarrow)
            return GuestAccess.TryRead(caller, address, out value);
        value = default;
        return ReadNarrow(caller, address, fields, AbiBytes.Of(ref value));
    }

    /// <summary>Copies one structure out, in the caller's layout.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryWrite<T>(Vcpu caller, ulong address, ReadOnlySpan<byte> fields, ref readonly T value) where T : unmanaged =>
        caller.IsNarrow ? WriteNarrow(caller, address, fields, AbiBytes.OfReadOnly(in value)) : GuestAccess.TryWrite(caller, address, in value);

    /// <summary>An element of a list of words (frame numbers, addresses); false also when it lies beyond the address space.</summary>
    public static bool TryReadWord(Vcpu caller, ulong list, ulong index, out ulong value)
    {
        value = 0;
        if (!GuestAccess.TryIndex(list, index, WordSize(caller), out ulong slot))
            return false;
        if (!caller.IsNarrow)
            return GuestAccess.TryRead(caller, slot, out value);
        bool isRead = GuestAccess.TryRead(caller, slot, out uint half);
        value = half;
        return isRead;
    }

    /// <summary>As <see cref="TryReadWord"/>, the other way.</summary>
    public static bool TryWriteWord(Vcpu caller, ulong list, ulong index, ulong value)
    {
        if (!GuestAccess.TryIndex(list, index, WordSize(caller), out ulong slot))
            return false;
        uint half = (uint)value;
        return caller.IsNarrow ? GuestAccess.TryWrite(caller, slot, in half) : GuestAccess.TryWrite(caller, slot, in value);
    }

    /// <summary>Bytes of a word of the caller's.</summary>
    public static int WordSize(Vcpu caller) => caller.IsNarrow ? sizeof(uint) : sizeof(ulong);

    /// <summary>Bytes of the 32-bit form.</summary>
    public static int NarrowSize(ReadOnlySpan<byte> fields)
    {
        int offset = 0, alignment = 1;
        for (int i = 0; i < fields.Length; i++)
        {
            int align = NarrowAlignment(fields[i]);
            alignment = Math.Max(alignment, align);
            offset = AlignUp(offset, align) + NarrowBytes(fields[i]);
        }

        return AlignUp(offset, alignment);
    }

    /// <summary>From the 32-bit form to the 64-bit one, whose words must be zero.</summary>
    public static void Widen(ReadOnlySpan<byte> narrow, ReadOnlySpan<byte> fields, Span<byte> wide)
    {
        for (int i = 0, from = 0, to = 0; i < fields.Length; i++)
        {
            byte field = fields[i];
            from = AlignUp(from, NarrowAlignment(field));
            to = AlignUp(to, WideAlignment(field));
            narrow.Slice(from, NarrowBytes(field)).CopyTo(wide.Slice(to));
            from += NarrowBytes(field);
            to += WideBytes(field);
        }
    }

    /// <summary>From the 64-bit form to the 32-bit one; its padding is left alone.</summary>
    public static void Tighten(ReadOnlySpan<byte> wide, ReadOnlySpan<byte> fields, Span<byte> narrow)
    {
        for (int i = 0, from = 0, to = 0; i < fields.Length; i++)
        {
            byte field = fields[i];
            from = AlignUp(from, WideAlignment(field));
            to = AlignUp(to, NarrowAlignment(field));
            wide.Slice(from, NarrowBytes(field)).CopyTo(narrow.Slice(to));
            from += WideBytes(field);
            to += NarrowBytes(field);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool ReadNarrow(Vcpu caller, ulong address, ReadOnlySpan<byte> fields, Span<byte> wide)
    {
        Span<byte> bytes = stackalloc byte[MaxNarrowSize];
        bytes = bytes.Slice(0, NarrowSize(fields));
        if (!GuestAccess.Read(caller, address, bytes))
            return false;
        Widen(bytes, fields, wide);
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool WriteNarrow(Vcpu caller, ulong address, ReadOnlySpan<byte> fields, ReadOnlySpan<byte> wide)
    {
        Span<byte> bytes = stackalloc byte[MaxNarrowSize];
        bytes.Clear();
        Tighten(wide, fields, bytes);
        return GuestAccess.Write(caller, address, bytes.Slice(0, NarrowSize(fields)));
    }

    private static int WideBytes(byte field) => field == (byte)'W' ? sizeof(ulong) : NarrowBytes(field);

    private static int WideAlignment(byte field) => field == (byte)'|' ? sizeof(ulong) : WideBytes(field);

    private static int NarrowAlignment(byte field) => field switch
    {
        (byte)'Q' or (byte)'|' => sizeof(uint),
        _ => NarrowBytes(field),
    };

    private static int NarrowBytes(byte field) => field switch
    {
        (byte)'Q' => sizeof(ulong),
        (byte)'W' or (byte)'D' => sizeof(uint),
        (byte)'H' => sizeof(ushort),
        (byte)'B' => sizeof(byte),
        _ => 0,
    };

    private static int AlignUp(int offset, int alignment) => (offset + alignment - 1) & -alignment;
}
