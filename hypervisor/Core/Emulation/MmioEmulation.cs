// SPDX-License-Identifier: MIT
// Executes an instruction of a guest that touched a page without memory behind it. Called by the port for nested page faults.

using System;
using XenSharp.Core.Console;
using XenSharp.Core.Pci;
using XenSharp.Core.Vcpus;
using XenSharp.Devices.Instructions;
using XenSharp.Edge;

namespace XenSharp.Core.Emulation;

/// <summary>Memory-mapped I/O: local APIC, I/O APICs; anything else reads all ones and drops writes, as on Xen.</summary>
public static class MmioEmulation
{
    private const ulong CarryFlag = 1, ParityFlag = 4, AdjustFlag = 0x10, ZeroFlag = 0x40, SignFlag = 0x80, OverflowFlag = 0x800;
    private const ulong StatusFlags = CarryFlag | ParityFlag | AdjustFlag | ZeroFlag | SignFlag | OverflowFlag;
    private const int GeneralProtection = 13;

    /// <summary>
    /// Emulates the instruction at RIP, whose data access hit <paramref name="guestPhysicalAddress"/>, and moves past it. An instruction
    /// that is not known takes #GP with a line on the console. When it cannot be fetched any more it is left to be executed again.
    /// </summary>
    public static void Emulate(Vcpu vcpu, ulong guestPhysicalAddress, Cpu caller)
    {
        Span<byte> code = stackalloc byte[InstructionDecoder.MaxLength];
        int count = GuestCode.Fetch(vcpu, code);
        if (count == 0)
            return;
        code = code.Slice(0, count);
        if (!InstructionDecoder.TryDecode(code, GuestCode.SizeOf(vcpu.Context), out MemoryInstruction instruction))
        {
            Refuse(vcpu, guestPhysicalAddress, code, caller);
            return;
        }

        Execute(vcpu, in instruction, guestPhysicalAddress, caller);
        GuestCode.Advance(vcpu.Context, instruction.Length);
    }

    private static void Execute(Vcpu vcpu, in MemoryInstruction instruction, ulong address, Cpu caller)
    {
        VcpuContext context = vcpu.Context;
        int size = instruction.Size;
        ulong source = instruction.HasImmediate ? instruction.Immediate : ReadRegister(context, in instruction);
        if (instruction.Operation == MemoryOperation.Store)
        {
            Write(vcpu, address, size, source, caller);
            return;
        }

        ulong memory = Read(vcpu, address, size, caller);
        switch (instruction.Operation)
        {
            case MemoryOperation.Load:
                WriteRegister(context, in instruction, instruction.SignExtends ? SignExtend(memory, size) : memory);
                break;
            case MemoryOperation.And:
                Write(vcpu, address, size, SetLogicFlags(context, memory & source, size), caller);
                break;
            case MemoryOperation.Or:
                Write(vcpu, address, size, SetLogicFlags(context, memory | source, size), caller);
                break;
            case MemoryOperation.Xor:
                Write(vcpu, address, size, SetLogicFlags(context, memory ^ source, size), caller);
                break;
            case MemoryOperation.LoadAnd:
                WriteRegister(context, in instruction, SetLogicFlags(context, memory & source, size));
                break;
            case MemoryOperation.LoadOr:
                WriteRegister(context, in instruction, SetLogicFlags(context, memory | source, size));
                break;
            case MemoryOperation.LoadXor:
                WriteRegister(context, in instruction, SetLogicFlags(context, memory ^ source, size));
                break;
            case MemoryOperation.Test:
                SetLogicFlags(context, memory & source, size);
                break;
            case MemoryOperation.Compare:
                SetCompareFlags(context, memory, source, size);
                break;
            case MemoryOperation.CompareRegister:
                SetCompareFlags(context, source, memory, size);
                break;
            case MemoryOperation.Exchange:
                Write(vcpu, address, size, source, caller);
                WriteRegister(context, in instruction, memory);
                break;
        }
    }

    /// <summary>Reads emulated memory, zero-extended.</summary>
    public static ulong Read(Vcpu vcpu, ulong address, int size, Cpu caller)
    {
        int offset = (int)(address & FrameSize.Mask);
        if (vcpu.Apic.Decodes(address))
            return Part(vcpu.Apic.ReadMmio(offset & ~3), offset, size);
        int ioApic = vcpu.Domain.IoApics.Find(address);
        if (ioApic >= 0)
            return Part(vcpu.Domain.IoApics.Read(ioApic, offset & ~3, caller), offset, size);
        if (vcpu.Domain.IsHardware && PciMemory.TryRead(vcpu.Domain, address, size, caller, out ulong value))
            return Truncate(value, size);
        return Truncate(ulong.MaxValue, size);
    }

    /// <summary>Writes emulated memory. The APICs take whole registers only; parts of one are dropped.</summary>
    public static void Write(Vcpu vcpu, ulong address, int size, ulong value, Cpu caller)
    {
        int offset = (int)(address & FrameSize.Mask);
        if (vcpu.Apic.Decodes(address))
        {
            if (size >= 4 && (offset & 3) == 0)
                vcpu.Apic.WriteMmio(offset, (uint)value);
            return;
        }

        // The register select of an I/O APIC is also written as a byte.
        int ioApic = vcpu.Domain.IoApics.Find(address);
        if (ioApic < 0)
        {
            if (vcpu.Domain.IsHardware)
                PciMemory.TryWrite(vcpu.Domain, address, size, value, caller);
            return;
        }

        if ((offset & 3) == 0 && (size >= 4 || offset == 0))
            vcpu.Domain.IoApics.Write(ioApic, offset, (uint)Truncate(value, size), caller);
    }

    private static ulong Part(uint register, int offset, int size) => Truncate((ulong)register >> ((offset & 3) * 8), size);

    private static ulong Truncate(ulong value, int size) => size == 8 ? value : value & ((1UL << (size * 8)) - 1);

    private static ulong SignExtend(ulong value, int size)
    {
        int shift = 64 - (size * 8);
        return (ulong)((long)(value << shift) >> shift);
    }

    private static ulong ReadRegister(VcpuContext context, in MemoryInstruction instruction)
    {
        ulong value = context.GetRegister(instruction.Register);
        return instruction.IsHighByte ? value >> 8 : value;
    }

    // Bytes and words leave the rest of the register, doublewords clear its upper half.
    private static void WriteRegister(VcpuContext context, in MemoryInstruction instruction, ulong value)
    {
        if (instruction.RegisterSize < 4)
        {
            int shift = instruction.IsHighByte ? 8 : 0;
            ulong mask = Truncate(ulong.MaxValue, instruction.RegisterSize) << shift;
            value = (context.GetRegister(instruction.Register) & ~mask) | ((value << shift) & mask);
        }
        else
        {
            value = Truncate(value, instruction.RegisterSize);
        }

        context.SetRegister(instruction.Register, value);
    }

    private static ulong SetLogicFlags(VcpuContext context, ulong result, int size)
    {
        context.Rflags = (context.Rflags & ~StatusFlags) | ResultFlags(result, size);
        return result;
    }

    private static void SetCompareFlags(VcpuContext context, ulong left, ulong right, int size)
    {
        left = Truncate(left, size);
        right = Truncate(right, size);
        ulong result = Truncate(left - right, size);
        ulong sign = 1UL << ((size * 8) - 1);
        ulong flags = ResultFlags(result, size);
        if (left < right)
            flags |= CarryFlag;
        if ((left & 0xf) < (right & 0xf))
            flags |= AdjustFlag;
        if (((left ^ right) & (left ^ result) & sign) != 0)
            flags |= OverflowFlag;
        context.Rflags = (context.Rflags & ~StatusFlags) | flags;
    }

    private static ulong ResultFlags(ulong result, int size)
    {
        result = Truncate(result, size);
        ulong flags = result == 0 ? ZeroFlag : 0;
        if (((result >> ((size * 8) - 1)) & 1) != 0)
            flags |= SignFlag;
        uint low = (uint)result & 0xff;
        low ^= low >> 4;
        low ^= low >> 2;
        low ^= low >> 1;
        return (low & 1) == 0 ? flags | ParityFlag : flags;
    }

    private static void Refuse(Vcpu vcpu, ulong address, ReadOnlySpan<byte> code, Cpu caller)
    {
        LogLine line = vcpu.Host.Console.BeginGuest(LogLevel.Warning, caller).Text("d"u8).Decimal(vcpu.Domain.Id).Text("v"u8).Decimal(vcpu.Id)
            .Text(": instruction at "u8).Hex(vcpu.Context.Rip).Text(" is not emulated (address "u8).Hex(address).Text("):"u8);
        foreach (byte value in code)
            line = line.Text(" "u8).Hex(value, 2);
        line.End();
        vcpu.Context.InjectException(GeneralProtection, 0);
    }
}
