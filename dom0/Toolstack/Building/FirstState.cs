// SPDX-License-Identifier: MIT
// The state in which the vCPUs of a PVH guest start, as records of a saved state. Used by DomainBuilder.
// docs/misc/pvh.pandoc says what the first one's registers are; the records are those that tools/libs/guest/xg_dom_x86.c writes.

using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using XenSharp.Abi;
using XenSharp.Control;

namespace XenSharp.Toolstack.Building;

internal static class FirstState
{
    private const ushort End = 0, Header = 1, Cpu = 2, Mtrr = 14;
    private const int DescriptorSize = 8;

    /// <param name="entry">Physical address of the first instruction.</param>
    /// <param name="startInfo">Physical address that the first vCPU finds in EBX.</param>
    public static void Set(Hypervisor hypervisor, ushort domain, int vcpus, uint entry, ulong startInfo)
    {
        byte[] context = hypervisor.GetHvmContext(domain);
        // The header has the machine's CPUID in it, which only the hypervisor can read.
        ReadOnlySpan<byte> header = Find(context, Header) is { Length: > 0 } found ? found : throw new ToolstackException("the hypervisor's saved state has no header");
        ReadOnlySpan<byte> saved = Find(context, Mtrr);
        if (saved.Length < Unsafe.SizeOf<HvmHwMtrr>())
            throw new ToolstackException("the hypervisor's saved state has no MTRRs");
        HvmHwMtrr mtrr = MemoryMarshal.Read<HvmHwMtrr>(saved);
        // Write-back, enabled: there are no devices' areas among the guest's memory.
        mtrr.MsrMtrrDefaultType = 6 | (1 << 11);
        for (ushort vcpu = 0; vcpu < vcpus; vcpu++)
            hypervisor.SetHvmContext(domain, Records(header, Mtrr, vcpu, MemoryMarshal.AsBytes(new ReadOnlySpan<HvmHwMtrr>(in mtrr))));

        HvmHwCpu cpu = new()
        {
            CsLimit = uint.MaxValue, DsLimit = uint.MaxValue, EsLimit = uint.MaxValue, SsLimit = uint.MaxValue, TrLimit = 0x67,
            CsAccessRights = 0xC9B, DsAccessRights = 0xC93, EsAccessRights = 0xC93, SsAccessRights = 0xC93, TrAccessRights = 0x8B,
            Cr0 = 0x11, Dr6 = 0xFFFF0FF0, Dr7 = 0x400, Rip = entry, Rbx = startInfo,
        };
        // Last: each call takes all vCPUs down, and this one puts the first up.
        hypervisor.SetHvmContext(domain, Records(header, Cpu, 0, MemoryMarshal.AsBytes(new ReadOnlySpan<HvmHwCpu>(in cpu))));
    }

    private static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> context, ushort type)
    {
        while (context.Length >= DescriptorSize)
        {
            HvmSaveDescriptor descriptor = MemoryMarshal.Read<HvmSaveDescriptor>(context);
            if (descriptor.Length > context.Length - DescriptorSize || descriptor.TypeCode == End)
                break;
            if (descriptor.TypeCode == type && descriptor.Instance == 0)
                return context.Slice(DescriptorSize, (int)descriptor.Length);
            context = context[(DescriptorSize + (int)descriptor.Length)..];
        }
        return default;
    }

    private static byte[] Records(ReadOnlySpan<byte> header, ushort type, ushort instance, ReadOnlySpan<byte> content) =>
        [.. Descriptor(Header, 0, header.Length), .. header, .. Descriptor(type, instance, content.Length), .. content, .. Descriptor(End, 0, 0)];

    private static byte[] Descriptor(ushort type, ushort instance, int length)
    {
        HvmSaveDescriptor descriptor = new() { TypeCode = type, Instance = instance, Length = (uint)length };
        return MemoryMarshal.AsBytes(new ReadOnlySpan<HvmSaveDescriptor>(in descriptor)).ToArray();
    }
}
