// SPDX-License-Identifier: MIT
// The bytes of the instruction that a vCPU stands at.

using System;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Devices.Instructions;
using XenSharp.Edge;

namespace XenSharp.Core.Emulation;

/// <summary>Instruction fetch for the emulators and for exits whose instruction may carry prefixes.</summary>
public static class GuestCode
{
    private const ulong ProtectionEnable = 1;

    public static CodeSize SizeOf(VcpuContext context)
    {
        if (context.Is64Bit)
            return CodeSize.Bits64;
        return (context.Cr0 & ProtectionEnable) != 0 ? CodeSize.Bits32 : CodeSize.Bits16;
    }

    /// <summary>Copies the bytes at RIP; how many could be read (0: the guest's page tables have changed under it).</summary>
    public static int Fetch(Vcpu vcpu, Span<byte> code)
    {
        VcpuContext context = vcpu.Context;
        ulong address = context.CodeBase + context.Rip;
        if (!context.Is64Bit)
            address = (uint)address;
        int first = Math.Min(code.Length, FrameSize.Bytes - (int)(address & FrameSize.Mask));
        if (!GuestAccess.Read(vcpu, address, code.Slice(0, first)))
            return 0;
        return first < code.Length && GuestAccess.Read(vcpu, address + (ulong)first, code.Slice(first)) ? code.Length : first;
    }

    /// <summary>
    /// The length of the instruction at RIP, which the CPU said to be <paramref name="opcode"/>; 0 when it is not (any more).
    /// For CPUs without next-RIP saving.
    /// </summary>
    public static int LengthOf(Vcpu vcpu, ReadOnlySpan<byte> opcode)
    {
        Span<byte> code = stackalloc byte[InstructionDecoder.MaxLength];
        int count = Fetch(vcpu, code);
        return InstructionDecoder.LengthOf(code.Slice(0, count), SizeOf(vcpu.Context), opcode);
    }

    /// <summary>Moves past an instruction.</summary>
    public static void Advance(VcpuContext context, int length)
    {
        ulong next = context.Rip + (ulong)length;
        context.Rip = context.Is64Bit ? next : (uint)next;
    }
}
