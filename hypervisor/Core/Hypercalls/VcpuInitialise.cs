// SPDX-License-Identifier: MIT
// VCPUOP_initialise for a PVH guest: registers to start with (xen/include/public/hvm/hvm_vcpu.h). Called by VcpuOp.

using System;
using System.Buffers.Binary;
using XenSharp.Abi;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Hypercalls;

/// <summary>Checks struct vcpu_hvm_context as Xen does and loads it into the vCPU, which stays down until VCPUOP_up.</summary>
internal static class VcpuInitialise
{
    // struct vcpu_hvm_context: mode and padding, then 15 words of registers.
    private const int ContextSize = 128, HeaderSize = 8;
    private const ulong PagingEnabled = 1UL << 31, PhysicalAddressExtension = 1 << 5;
    private const ulong LongModeEnabled = 1 << 8, LongModeActive = 1 << 10;
    private const uint TypeMask = 15, Code = 8, Writable = 2, CodeOrData = 1 << 4, Present = 1 << 7, Granularity = 1 << 11, Reserved = 0xf000;
    private const uint BusyTaskState = 11;

    // Segment numbers of VcpuContext.
    private const int Es = 0, Cs = 1, Ss = 2, Ds = 3, TaskRegister = 6;

    public static long Call(Vcpu caller, Vcpu vcpu, ulong argument)
    {
        if (!vcpu.Info.IsMapped)
            return -(long)Errno.Inval;
        Span<byte> state = stackalloc byte[ContextSize];
        if (!GuestAccess.Read(caller, argument, state))
            return -(long)Errno.Fault;
        using (vcpu.Domain.Lock.Enter(caller.Processor))
        {
            if (vcpu.IsInitialised)
                return -(long)Errno.Exist;
            ReadOnlySpan<byte> registers = state.Slice(HeaderSize);
            bool loaded = BinaryPrimitives.ReadUInt64LittleEndian(state) switch
            {
                (ulong)VcpuHvmMode.Mode32Bit => Load32(vcpu, registers),
                (ulong)VcpuHvmMode.Mode64Bit => Load64(vcpu, registers),
                _ => false,
            };
            if (!loaded)
                return -(long)Errno.Inval;
            vcpu.IsInitialised = true;
            vcpu.SetPauseFlags(VcpuPauseFlags.Down);
            return 0;
        }
    }

    // The words of struct vcpu_hvm_x86_32: 14 registers of 32 bits, EFER, then bases, limits and attributes.
    private static bool Load32(Vcpu vcpu, ReadOnlySpan<byte> state)
    {
        uint eip = Low(state, 4), cr0 = Low(state, 5), cr3 = High(state, 5), cr4 = Low(state, 6);
        ulong efer = Word(state, 7);
        uint csAttributes = Low(state, 13) & 0xffff, dsAttributes = Low(state, 13) >> 16;
        uint ssAttributes = High(state, 13) & 0xffff, esAttributes = High(state, 13) >> 16;
        uint trAttributes = Low(state, 14) & 0xffff;
        if (High(state, 6) != 0 || Word(state, 14) >> 16 != 0)
            return false;
        if (!IsSegment(Cs, ref csAttributes) || !IsSegment(Ds, ref dsAttributes) || !IsSegment(Ss, ref ssAttributes)
            || !IsSegment(Es, ref esAttributes) || !IsSegment(TaskRegister, ref trAttributes))
            return false;
        uint csLimit = High(state, 10);
        uint lastByte = (csAttributes & Granularity) != 0 ? (csLimit << 12) | 0xfff : csLimit;
        if (eip > lastByte || Privilege(ssAttributes) != Privilege(csAttributes)
            || ((dsAttributes & Present) != 0 && Privilege(dsAttributes) > Privilege(csAttributes))
            || ((esAttributes & Present) != 0 && Privilege(esAttributes) > Privilege(csAttributes))
            || (efer & (LongModeActive | LongModeEnabled)) == LongModeActive)
            return false;

        VcpuContext context = vcpu.Context;
        if (!context.TrySetControlRegisters(cr0, cr3, cr4, WithActive(efer)))
            return false;
        // The structures list the registers in the order of their encodings.
        for (int i = 0; i < 8; i++)
            context.SetRegister(i, (i & 1) == 0 ? Low(state, i / 2) : High(state, i / 2));
        context.Rip = eip;
        context.Rflags = High(state, 4);
        context.SetSegment(Cs, Low(state, 8), csLimit, (ushort)csAttributes);
        context.SetSegment(Ds, High(state, 8), Low(state, 11), (ushort)dsAttributes);
        context.SetSegment(Ss, Low(state, 9), High(state, 11), (ushort)ssAttributes);
        context.SetSegment(Es, High(state, 9), Low(state, 12), (ushort)esAttributes);
        context.SetSegment(TaskRegister, Low(state, 10), High(state, 12), (ushort)trAttributes);
        return true;
    }

    private static bool Load64(Vcpu vcpu, ReadOnlySpan<byte> state)
    {
        ulong rip = Word(state, 8);
        ulong cr0 = Word(state, 10), cr3 = Word(state, 11), cr4 = Word(state, 12), efer = Word(state, 13);
        bool isCanonical = (ulong)((long)rip >> 47) + 1 <= 1;
        if (!isCanonical || (cr0 & PagingEnabled) == 0 || (cr4 & PhysicalAddressExtension) == 0 || (efer & LongModeEnabled) == 0)
            return false;

        VcpuContext context = vcpu.Context;
        if (!context.TrySetControlRegisters(cr0, cr3, cr4, WithActive(efer)))
            return false;
        for (int i = 0; i < 8; i++)
            context.SetRegister(i, Word(state, i));
        context.Rip = rip;
        context.Rflags = Word(state, 9);
        context.SetSegment(Cs, 0, uint.MaxValue, 0xa9b);
        context.SetSegment(Ds, 0, uint.MaxValue, 0xc93);
        context.SetSegment(Ss, 0, uint.MaxValue, 0xc93);
        context.SetSegment(Es, 0, uint.MaxValue, 0xc93);
        context.SetSegment(TaskRegister, 0, 0x67, 0x8b);
        return true;
    }

    private static ulong WithActive(ulong efer) => (efer & LongModeEnabled) != 0 ? efer | LongModeActive : efer;

    private static uint Privilege(uint attributes) => (attributes >> 5) & 3;

    // Marks the segment as accessed (the task state as busy), as the CPU would; false when it cannot be what the register needs.
    private static bool IsSegment(int segment, ref uint attributes)
    {
        if ((attributes & Reserved) != 0)
            return false;
        if (attributes == 0)
            return segment is Ds or Es;
        if ((attributes & Present) == 0)
            return false;
        attributes |= segment == TaskRegister ? 2u : 1u;
        uint type = attributes & TypeMask;
        if (segment == TaskRegister)
            return (attributes & CodeOrData) == 0 && type == BusyTaskState;
        if ((attributes & CodeOrData) == 0)
            return false;
        return segment switch
        {
            Cs => (type & Code) != 0,
            Ss => (type & Code) == 0 && (type & Writable) != 0,
            _ => (type & Code) == 0 || (type & Writable) != 0,
        };
    }

    private static ulong Word(ReadOnlySpan<byte> state, int word) => BinaryPrimitives.ReadUInt64LittleEndian(state.Slice(word * 8));

    private static uint Low(ReadOnlySpan<byte> state, int word) => (uint)Word(state, word);

    private static uint High(ReadOnlySpan<byte> state, int word) => (uint)(Word(state, word) >> 32);
}
