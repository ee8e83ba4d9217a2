// SPDX-License-Identifier: MIT
// INS and OUTS at emulated ports: kernels print to the debug console with REP OUTSB. Called by the port for string I/O exits.

using System;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Devices.Instructions;
using XenSharp.Edge;

namespace XenSharp.Core.Emulation;

/// <summary>A bounded number of elements per exit; the instruction is executed again for the rest.</summary>
public static class StringPortAccess
{
    private const int ElementsPerExit = 256;
    private const int GeneralProtection = 13;
    private const ulong DirectionFlag = 0x400;
    private const int RegisterCx = 1, RegisterSi = 6, RegisterDi = 7;
    private const int SegmentEs = 0, SegmentDs = 3;

    /// <summary>An INS from a port, with or without REP. <paramref name="nextRip"/>: the instruction behind it.</summary>
    public static void In(Vcpu vcpu, ushort port, int size, bool isRepeated, ulong nextRip, Cpu caller) =>
        Transfer(vcpu, port, size, isInput: true, isRepeated, nextRip, caller);

    /// <summary>An OUTS to a port.</summary>
    public static void Out(Vcpu vcpu, ushort port, int size, bool isRepeated, ulong nextRip, Cpu caller) =>
        Transfer(vcpu, port, size, isInput: false, isRepeated, nextRip, caller);

    private static void Transfer(Vcpu vcpu, ushort port, int size, bool isInput, bool isRepeated, ulong nextRip, Cpu caller)
    {
        VcpuContext context = vcpu.Context;
        Span<byte> code = stackalloc byte[InstructionDecoder.MaxLength];
        int fetched = GuestCode.Fetch(vcpu, code);
        if (fetched == 0)
            return;
        Prefixes prefixes = Prefixes.Read(code.Slice(0, fetched), GuestCode.SizeOf(context));
        ulong mask = prefixes.AddressSize == 8 ? ulong.MaxValue : (1UL << (prefixes.AddressSize * 8)) - 1;
        int pointer = isInput ? RegisterDi : RegisterSi;
        ulong segment = context.SegmentBase(isInput ? SegmentEs : prefixes.Segment >= 0 ? prefixes.Segment : SegmentDs);
        ulong index = context.GetRegister(pointer) & mask;
        ulong left = isRepeated ? context.GetRegister(RegisterCx) & mask : 1;
        ulong step = (context.Rflags & DirectionFlag) != 0 ? 0 - (ulong)size : (ulong)size;
        Span<byte> element = stackalloc byte[4];
        element = element.Slice(0, size);
        bool faulted = false;
        for (int i = 0; i < ElementsPerExit && left != 0; i++)
        {
            ulong address = segment + index;
            if (!context.Is64Bit)
                address = (uint)address;
            faulted = isInput ? !Store(vcpu, port, address, element, caller) : !Load(vcpu, port, address, element, caller);
            if (faulted)
                break;
            index = (index + step) & mask;
            left--;
        }

        SetMasked(context, pointer, index, mask);
        if (isRepeated)
            SetMasked(context, RegisterCx, left, mask);
        if (faulted)
            context.InjectException(GeneralProtection, 0);
        else if (left == 0)
            context.Rip = nextRip;
    }

    private static bool Load(Vcpu vcpu, ushort port, ulong address, Span<byte> element, Cpu caller)
    {
        if (!GuestAccess.Read(vcpu, address, element))
            return false;
        uint value = 0;
        for (int i = element.Length - 1; i >= 0; i--)
            value = (value << 8) | element[i];
        vcpu.Domain.Ports.Out(port, element.Length, value, caller);
        return true;
    }

    private static bool Store(Vcpu vcpu, ushort port, ulong address, Span<byte> element, Cpu caller)
    {
        uint value = vcpu.Domain.Ports.In(port, element.Length, caller);
        for (int i = 0; i < element.Length; i++)
            element[i] = (byte)(value >> (i * 8));
        return GuestAccess.Write(vcpu, address, element);
    }

    // 32-bit address registers are zero-extended, 16-bit ones leave the rest of the register.
    private static void SetMasked(VcpuContext context, int register, ulong value, ulong mask) =>
        context.SetRegister(register, mask == 0xffff ? (context.GetRegister(register) & ~mask) | value : value);
}
