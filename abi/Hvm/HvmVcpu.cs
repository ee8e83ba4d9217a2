// SPDX-License-Identifier: MIT
// Register state with which VCPUOP_initialise starts a vCPU of an HVM or PVH domain. Contract:
// xen/include/public/hvm/hvm_vcpu.h of Xen 4.17 (MIT). Used by the hypercall handlers, the guests and the tools; layout
// checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Mode of the vCPU, VCPU_HVM_MODE_*.</summary>
public enum VcpuHvmMode : uint
{
    Mode32Bit = 0, // VCPU_HVM_MODE_32B: 32bit fields of the structure will be used.
    Mode64Bit = 1, // VCPU_HVM_MODE_64B: 64bit fields of the structure will be used.
}

/// <summary>struct vcpu_hvm_x86_32, 120 bytes. Copyright (c) 2015, Roger Pau Monne &lt;roger.paucitrix.com&gt;</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VcpuHvmX86_32
{
    public uint Eax;
    public uint Ecx;
    public uint Edx;
    public uint Ebx;
    public uint Esp;
    public uint Ebp;
    public uint Esi;
    public uint Edi;
    public uint Eip;
    public uint Eflags;
    public uint Cr0;
    public uint Cr3;
    public uint Cr4;
    public uint Pad1;

    // EFER should only be used to set the NXE bit (if required) when starting a vCPU in 32bit mode with paging enabled or to set the LME/LMA bits in
    // order to start the vCPU in compatibility mode.
    public ulong Efer;

    public uint CsBase;
    public uint DsBase;
    public uint SsBase;
    public uint EsBase;
    public uint TrBase;
    public uint CsLimit;
    public uint DsLimit;
    public uint SsLimit;
    public uint EsLimit;
    public uint TrLimit;
    public ushort CsAccessRights;
    public ushort DsAccessRights;
    public ushort SsAccessRights;
    public ushort EsAccessRights;
    public ushort TrAccessRights;
    public UInt16Array3 Pad2;
}

/// <summary>struct vcpu_hvm_x86_64, 112 bytes. 64-bit start state; segments are flat.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VcpuHvmX86_64
{
    public ulong Rax;
    public ulong Rcx;
    public ulong Rdx;
    public ulong Rbx;
    public ulong Rsp;
    public ulong Rbp;
    public ulong Rsi;
    public ulong Rdi;
    public ulong Rip;
    public ulong Rflags;
    public ulong Cr0;
    public ulong Cr3;
    public ulong Cr4;
    public ulong Efer;
}

/// <summary>struct vcpu_hvm_context, 128 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VcpuHvmContext
{
    public VcpuHvmMode Mode;
    public uint Pad;
    public UInt64Array15 CpuRegisters; // union: x86_32 (VcpuHvmX86_32), x86_64 (VcpuHvmX86_64). CPU registers.
}
