// SPDX-License-Identifier: MIT
// x86-64 parts: register context of a vCPU, architecture parts of vcpu_info and shared_info, domain configuration.
// Contract: xen/include/public/arch-x86/xen.h, xen/include/public/arch-x86/xen-x86_64.h of Xen 4.17 (MIT). Used by the
// hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Devices that Xen emulates for a domain, XEN_X86_EMU_*.</summary>
public enum X86EmulationFlags : uint
{
    LocalApic = 1u << 0, // XEN_X86_EMU_LAPIC
    Hpet = 1u << 1, // XEN_X86_EMU_HPET
    Pm = 1u << 2, // XEN_X86_EMU_PM
    Rtc = 1u << 3, // XEN_X86_EMU_RTC
    IoApic = 1u << 4, // XEN_X86_EMU_IOAPIC
    Pic = 1u << 5, // XEN_X86_EMU_PIC
    Vga = 1u << 6, // XEN_X86_EMU_VGA
    Iommu = 1u << 7, // XEN_X86_EMU_IOMMU
    Pit = 1u << 8, // XEN_X86_EMU_PIT
    UsePirq = 1u << 9, // XEN_X86_EMU_USE_PIRQ
    Vpci = 1u << 10, // XEN_X86_EMU_VPCI
    All = 2047, // XEN_X86_EMU_ALL
}

/// <summary>Flags of vcpu_guest_context, VGCF_*.</summary>
public enum VcpuGuestContextFlags : ulong
{
    I387Valid = 1ul << 0, // VGCF_i387_valid
    InKernel = 1ul << 2, // VGCF_in_kernel
    FailsafeDisablesEvents = 1ul << 3, // VGCF_failsafe_disables_events
    SyscallDisablesEvents = 1ul << 4, // VGCF_syscall_disables_events
    Online = 1ul << 5, // VGCF_online
    InSyscall = 1ul << 8, // VGCF_in_syscall
}

/// <summary>Further flags of a domain, XEN_X86_*.</summary>
public enum X86MiscFlags : uint
{
    // XEN_X86_MSR_RELAXED: Select whether to use a relaxed behavior for accesses to MSRs not explicitly handled by Xen instead of injecting a #GP to
    // the guest. Note this option doesn't allow the guest to read or write to the underlying MSR.
    MsrRelaxed = 1u << 0,

    Max = 1u << 0, // XEN_X86_MISC_FLAGS_MAX
}

/// <summary>Argument of HYPERVISOR_set_segment_base, SEGBASE_*.</summary>
public enum SegmentBase : uint
{
    Fs = 0, // SEGBASE_FS
    GsUser = 1, // SEGBASE_GS_USER
    GsKernel = 2, // SEGBASE_GS_KERNEL
    GsUserSelector = 3, // SEGBASE_GS_USER_SEL: Set user %gs specified in base[15:0]
}

/// <summary>Segment selectors of the GDT that Xen provides, FLAT_*.</summary>
public static class FlatSelectors
{
    public const uint Ring3Cs32 = 0xE023; // FLAT_RING3_CS32
    public const uint Ring3Cs64 = 0xE033; // FLAT_RING3_CS64: GDT index 262
    public const uint Ring3Ds32 = 0xE02B; // FLAT_RING3_DS32: GDT index 261
    public const uint Ring3Ds64 = 0x0; // FLAT_RING3_DS64: NULL selector
    public const uint Ring3Ss32 = 0xE02B; // FLAT_RING3_SS32: GDT index 261
    public const uint Ring3Ss64 = 0xE02B; // FLAT_RING3_SS64: GDT index 261
    public const uint KernelDs64 = 0x0; // FLAT_KERNEL_DS64
    public const uint KernelDs32 = 0xE02B; // FLAT_KERNEL_DS32
    public const uint KernelDs = 0x0; // FLAT_KERNEL_DS
    public const uint KernelCs64 = 0xE033; // FLAT_KERNEL_CS64
    public const uint KernelCs32 = 0xE023; // FLAT_KERNEL_CS32
    public const uint KernelCs = 0xE033; // FLAT_KERNEL_CS
    public const uint KernelSs64 = 0xE02B; // FLAT_KERNEL_SS64
    public const uint KernelSs32 = 0xE02B; // FLAT_KERNEL_SS32
    public const uint KernelSs = 0xE02B; // FLAT_KERNEL_SS
    public const uint UserDs64 = 0x0; // FLAT_USER_DS64
    public const uint UserDs32 = 0xE02B; // FLAT_USER_DS32
    public const uint UserDs = 0x0; // FLAT_USER_DS
    public const uint UserCs64 = 0xE033; // FLAT_USER_CS64
    public const uint UserCs32 = 0xE023; // FLAT_USER_CS32
    public const uint UserCs = 0xE033; // FLAT_USER_CS
    public const uint UserSs64 = 0xE02B; // FLAT_USER_SS64
    public const uint UserSs32 = 0xE02B; // FLAT_USER_SS32
    public const uint UserSs = 0xE02B; // FLAT_USER_SS
}

/// <summary>Virtual address range that Xen reserves in PV guests.</summary>
public static class X86Layout
{
    public const ulong HypervisorVirtStart = 0xFFFF800000000000; // HYPERVISOR_VIRT_START
    public const ulong HypervisorVirtEnd = 0xFFFF880000000000; // HYPERVISOR_VIRT_END
    public const ulong Mach2physVirtStart = 0xFFFF800000000000; // MACH2PHYS_VIRT_START
    public const ulong Mach2physVirtEnd = 0xFFFF804000000000; // MACH2PHYS_VIRT_END
    public const ulong Mach2physCountEntries = 0x800000000; // MACH2PHYS_NR_ENTRIES
}

/// <summary>Limits and fixed numbers of the x86 interface.</summary>
public static class X86Limits
{
    // FIRST_RESERVED_GDT_PAGE: A number of GDT entries are reserved by Xen. These are not situated at the start of the GDT because some stupid OSes
    // export hard-coded selector values in their ABI.
    public const uint FirstReservedGdtPage = 14;

    public const uint FirstReservedGdtByte = 57344; // FIRST_RESERVED_GDT_BYTE
    public const uint FirstReservedGdtEntry = 7168; // FIRST_RESERVED_GDT_ENTRY
    public const uint LegacyMaxVcpus = 32; // XEN_LEGACY_MAX_VCPUS: Maximum number of virtual CPUs in legacy multi-processor guests.
    public const uint CpuidNoSubleaf = 0xFFFFFFFFu; // XEN_CPUID_NO_SUBLEAF

    // XEN_HVM_DEBUGCONS_IOPORT: Debug console IO port, also called "port E9 hack". Each character written to this IO port will be printed on the
    // hypervisor console, subject to log level restrictions.
    public const uint HvmDebugconsIoPort = 0xE9;
}

/// <summary>
/// struct trap_info, 16 bytes. Send an array of these to HYPERVISOR_set_trap_table(). Terminate the array with a sentinel entry, with
/// traps[].address==0. The privilege level specifies which modes may enter a trap via a software interrupt.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct TrapInfo
{
    public byte Vector; // exception vector
    public byte Flags; // 0-3: privilege level; 4: clear event enable?
    public ushort Cs; // code selector
    public uint Padding0;
    public ulong Address; // code offset
}

/// <summary>struct vcpu_guest_context, member fpu_ctxt, 512 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VcpuGuestContextFpuContext
{
    public ByteArray512 X;
}

/// <summary>
/// struct vcpu_guest_context, 5168 bytes. The following is all CPU context. Note that the fpu_ctxt block is filled in by FXSAVE if the CPU has
/// feature FXSR; otherwise FSAVE is used.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct VcpuGuestContext
{
    // FPU registers come first so they can be aligned for FXSAVE/FXRSTOR. User-level FPU registers
    public VcpuGuestContextFpuContext FpuContext;

    public VcpuGuestContextFlags Flags; // VGCF_* flags
    public CpuUserRegisters UserRegisters; // User-level CPU registers
    public TrapInfoArray256 TrapContext; // Virtual IDT
    public ulong LdtBase; // LDT (linear address, # ents)
    public ulong LdtEntries; // LDT (linear address, # ents)
    public UInt64Array16 GdtFrames; // GDT (machine frames, # ents)
    public ulong GdtEntries; // GDT (machine frames, # ents)
    public ulong KernelSs; // Virtual TSS (only SS1/SP1)
    public ulong KernelSp; // Virtual TSS (only SS1/SP1)
    public UInt64Array8 ControlRegister; // NB. User pagetable on x86/64 is placed in ctrlreg[1]. CR0-CR7 (control registers)
    public UInt64Array8 DebugRegister; // DB0-DB7 (debug registers)
    public ulong EventCallbackRip;
    public ulong FailsafeCallbackRip;
    public ulong SyscallCallbackRip;
    public ulong VmAssist; // VMASST_TYPE_* bitmap
    public ulong FsBase; // Segment base addresses.
    public ulong GsBaseKernel;
    public ulong GsBaseUser;
}

/// <summary>struct arch_shared_info, 48 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ArchSharedInfo
{
    public ulong MaxPfn; // Number of valid entries in the p2m table(s) anchored at pfn_to_mfn_frame_list_list and/or p2m_vaddr.

    // Frame containing list of mfns containing list of mfns containing p2m. A value of 0 indicates it has not yet been set up, ~0 indicates it has
    // been set to invalid e.g. due to the p2m being too large for the 3-level p2m tree.
    public ulong PfnToMfnFrameListList;

    public ulong NmiReason;

    // Following three fields are valid if p2m_cr3 contains a value different from 0. p2m_cr3 is the root of the address space where p2m_vaddr is
    // valid.
    public ulong P2mCr3;

    public ulong P2mVaddr; // virtual address of the p2m list
    public ulong P2mGeneration; // generation count of p2m mapping
}

/// <summary>
/// struct xen_arch_domainconfig, 8 bytes. struct xen_arch_domainconfig's ABI is covered by XEN_DOMCTL_INTERFACE_VERSION.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct ArchDomainConfig
{
    public X86EmulationFlags EmulationFlags;
    public X86MiscFlags MiscFlags;
}

/// <summary>
/// struct xen_cpuid_leaf, 24 bytes. Representations of architectural CPUID and MSR information. Used as the serialised version of Xen's internal
/// representation.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct CpuidLeaf
{
    public uint Leaf;
    public uint Subleaf;
    public uint A;
    public uint B;
    public uint C;
    public uint D;
}

/// <summary>struct xen_msr_entry, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct MsrEntry
{
    public uint Index;
    public uint Flags; // Reserved MBZ.
    public ulong Value;
}

/// <summary>struct iret_context, 72 bytes. Guest exited in SYSCALL context? Return to guest with SYSRET?</summary>
[StructLayout(LayoutKind.Sequential)]
public struct IretContext
{
    public ulong Rax; // Top of stack (%rsp at point of hypercall).
    public ulong R11; // Top of stack (%rsp at point of hypercall).
    public ulong Rcx; // Top of stack (%rsp at point of hypercall).
    public ulong Flags; // Top of stack (%rsp at point of hypercall).
    public ulong Rip; // Top of stack (%rsp at point of hypercall).
    public ulong Cs; // Top of stack (%rsp at point of hypercall).
    public ulong Rflags; // Top of stack (%rsp at point of hypercall).
    public ulong Rsp; // Top of stack (%rsp at point of hypercall).
    public ulong Ss; // Top of stack (%rsp at point of hypercall).
}

/// <summary>
/// struct cpu_user_regs, 200 bytes. General registers of a vCPU. On x86-64 without GNU C unions; the members named _rax and so on are aliases.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct CpuUserRegisters
{
    public ulong R15;
    public ulong R14;
    public ulong R13;
    public ulong R12;
    public ulong Rbp;
    public ulong Rbx;
    public ulong R11;
    public ulong R10;
    public ulong R9;
    public ulong R8;
    public ulong Rax;
    public ulong Rcx;
    public ulong Rdx;
    public ulong Rsi;
    public ulong Rdi;
    public uint ErrorCode; // private
    public uint EntryVector; // private
    public ulong Rip;
    public ushort Cs;
    public ushort Pad0;
    public byte SavedUpcallMask;
    public ByteArray3 Pad1;
    public ulong Rflags; // rflags.IF == !saved_upcall_mask
    public ulong Rsp;
    public ushort Ss;
    public UInt16Array3 Pad2;
    public ushort Es;
    public UInt16Array3 Pad3;
    public ushort Ds;
    public UInt16Array3 Pad4;
    public ushort Fs;
    public UInt16Array3 Pad5;
    public ushort Gs;
    public UInt16Array3 Pad6;
}

/// <summary>struct arch_vcpu_info, 16 bytes. The x86-64 part of vcpu_info.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ArchVcpuInfo
{
    public ulong Cr2;
    public ulong Pad; // sizeof(vcpu_info_t) == 64
}
