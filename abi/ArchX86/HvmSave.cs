// SPDX-License-Identifier: MIT
// State of the emulated hardware of an HVM or PVH domain, as it is saved and migrated. Contract:
// xen/include/public/arch-x86/hvm/save.h of Xen 4.17 (MIT). Used by the hypercall handlers, the guests and the tools;
// layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Magic, version and sizes.</summary>
public static class HvmSaveConstants
{
    public const uint HvmFileMagic = 0x54381286; // HVM_FILE_MAGIC
    public const uint HvmFileVersion = 0x1; // HVM_FILE_VERSION
    public const uint XenX86FpuInitialised = 1u << 0; // XEN_X86_FPU_INITIALISED
    public const uint VirtualIoApicNumberPins = 48; // VIOAPIC_NUM_PINS: 16 ISA IRQs, 32 non-legacy PCI IRQS.
    public const uint RtcCmosSize = 14; // RTC_CMOS_SIZE
    public const uint HpetTimerNumber = 3; // HPET_TIMER_NUM: 3 timers supported now
    public const uint MtrrVcnt = 8; // MTRR_VCNT
    public const uint NumberFixedMsr = 11; // NUM_FIXED_MSR
    public const uint HvmSaveCodeMax = 20; // HVM_SAVE_CODE_MAX: Largest type-code in use
}

/// <summary>struct hvm_save_header, 24 bytes. Save/restore header: general info about the save file.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmSaveHeader
{
    public uint Magic; // Must be HVM_FILE_MAGIC
    public uint Version; // File format version
    public ulong ChangeSet; // Version of Xen that saved this file
    public uint Cpuid; // CPUID[0x01][%eax] on the saving machine
    public uint GuestTscKhz; // Guest's TSC frequency in kHz
}

/// <summary>struct hvm_hw_cpu, 1032 bytes. Processor; Compat:</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmHwCpu
{
    public ByteArray512 FpuRegisters;
    public ulong Rax;
    public ulong Rbx;
    public ulong Rcx;
    public ulong Rdx;
    public ulong Rbp;
    public ulong Rsi;
    public ulong Rdi;
    public ulong Rsp;
    public ulong R8;
    public ulong R9;
    public ulong R10;
    public ulong R11;
    public ulong R12;
    public ulong R13;
    public ulong R14;
    public ulong R15;
    public ulong Rip;
    public ulong Rflags;
    public ulong Cr0;
    public ulong Cr2;
    public ulong Cr3;
    public ulong Cr4;
    public ulong Dr0;
    public ulong Dr1;
    public ulong Dr2;
    public ulong Dr3;
    public ulong Dr6;
    public ulong Dr7;
    public uint CsSelector;
    public uint DsSelector;
    public uint EsSelector;
    public uint FsSelector;
    public uint GsSelector;
    public uint SsSelector;
    public uint TrSelector;
    public uint LdtrSelector;
    public uint CsLimit;
    public uint DsLimit;
    public uint EsLimit;
    public uint FsLimit;
    public uint GsLimit;
    public uint SsLimit;
    public uint TrLimit;
    public uint LdtrLimit;
    public uint IdtrLimit;
    public uint GdtrLimit;
    public ulong CsBase;
    public ulong DsBase;
    public ulong EsBase;
    public ulong FsBase;
    public ulong GsBase;
    public ulong SsBase;
    public ulong TrBase;
    public ulong LdtrBase;
    public ulong IdtrBase;
    public ulong GdtrBase;
    public uint CsAccessRights;
    public uint DsAccessRights;
    public uint EsAccessRights;
    public uint FsAccessRights;
    public uint GsAccessRights;
    public uint SsAccessRights;
    public uint TrAccessRights;
    public uint LdtrAccessRights;
    public ulong SysenterCs;
    public ulong SysenterEsp;
    public ulong SysenterRip;
    public ulong ShadowGs; // msr for em64t
    public ulong MsrFlags; // msr content saved/restored. Obsolete, ignored.
    public ulong MsrLstar;
    public ulong MsrStar;
    public ulong MsrCstar;
    public ulong MsrSyscallMask;
    public ulong MsrEfer;
    public ulong MsrTscAux;
    public ulong Tsc; // guest's idea of what rdtsc() would return
    public uint PendingEvent; // pending event, if any
    public uint ErrorCode; // error code for pending event
    public uint Flags;
    public uint Pad0;
}

/// <summary>struct hvm_hw_mtrr, 240 bytes. MTRR MSRs</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmHwMtrr
{
    public ulong MsrPatCr;
    public UInt64Array16 MsrMtrrVar; // mtrr physbase & physmask msr pair
    public UInt64Array11 MsrMtrrFixed;
    public ulong MsrMtrrCap;
    public ulong MsrMtrrDefaultType;
}

/// <summary>struct hvm_hw_cpu_xsave, member save_area.fpu_sse, 512 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmHwCpuXsaveSaveAreaFpuSse
{
    public ByteArray512 X;
}

/// <summary>struct hvm_hw_cpu_xsave_hdr, 64 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmHwCpuXsaveHeader
{
    public ulong XstateBv; // Updated by XRSTOR
    public ulong XcompBv; // Updated by XRSTOR{C,S}
    public UInt64Array6 Reserved;
}

/// <summary>struct hvm_hw_cpu_xsave, member save_area, 576 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmHwCpuXsaveSaveArea
{
    public HvmHwCpuXsaveSaveAreaFpuSse FpuSse;
    public HvmHwCpuXsaveHeader XsaveHeader; // The 64-byte header
}

/// <summary>struct hvm_hw_cpu_xsave, 600 bytes. The save area of XSAVE/XRSTOR.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmHwCpuXsave
{
    public ulong XfeatureMask; // Ignored
    public ulong Xcr0; // Updated by XSETBV
    public ulong Xcr0Accumulated; // Updated by XSETBV
    public HvmHwCpuXsaveSaveArea SaveArea;
}

/// <summary>struct hvm_viridian_domain_context, 32 bytes. Viridian hypervisor context.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmViridianDomainContext
{
    public ulong HypercallGuestPhysicalAddress;
    public ulong GuestOsId;
    public ulong TimeRefCount;
    public ulong ReferenceTsc;
}

/// <summary>struct hvm_viridian_vcpu_context, 216 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmViridianVcpuContext
{
    public ulong VpAssistMsr;
    public byte ApicAssistPending;
    public ByteArray7 Pad;
    public ulong SimpMsr;
    public UInt64Array16 SintMsr;
    public UInt64Array4 StimerConfigMsr;
    public UInt64Array4 StimerCountMsr;
}

/// <summary>struct hvm_vmce_vcpu, 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmVmceVcpu
{
    public ulong Capabilities;
    public ulong MciCtl2Bank0;
    public ulong MciCtl2Bank1;
    public ulong McgExtendedCtl;
}

/// <summary>struct hvm_tsc_adjust, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmTscAdjust
{
    public ulong TscAdjust;
}

/// <summary>struct hvm_msr, 8 bytes. Followed by a variable-length array <c>msr</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmMsr
{
    public uint Count;
    public uint Padding0;
}

/// <summary>typecode of hvm_save_descriptor, HVM_SAVE_CODE(*).</summary>
public enum HvmSaveType : ushort
{
    End = 0, // HVM_SAVE_CODE(END)
    Header = 1, // HVM_SAVE_CODE(HEADER)
    Cpu = 2, // HVM_SAVE_CODE(CPU)
    Pic = 3, // HVM_SAVE_CODE(PIC)
    IoApic = 4, // HVM_SAVE_CODE(IOAPIC)
    LocalApic = 5, // HVM_SAVE_CODE(LAPIC)
    LocalApicRegisters = 6, // HVM_SAVE_CODE(LAPIC_REGS)
    PciIrq = 7, // HVM_SAVE_CODE(PCI_IRQ)
    IsaIrq = 8, // HVM_SAVE_CODE(ISA_IRQ)
    PciLink = 9, // HVM_SAVE_CODE(PCI_LINK)
    Pit = 10, // HVM_SAVE_CODE(PIT)
    Rtc = 11, // HVM_SAVE_CODE(RTC)
    Hpet = 12, // HVM_SAVE_CODE(HPET)
    PmTimer = 13, // HVM_SAVE_CODE(PMTIMER)
    Mtrr = 14, // HVM_SAVE_CODE(MTRR)
    ViridianDomain = 15, // HVM_SAVE_CODE(VIRIDIAN_DOMAIN)
    CpuXsave = 16, // CPU_XSAVE_CODE
    ViridianVcpu = 17, // HVM_SAVE_CODE(VIRIDIAN_VCPU)
    VmceVcpu = 18, // HVM_SAVE_CODE(VMCE_VCPU)
    TscAdjust = 19, // HVM_SAVE_CODE(TSC_ADJUST)
    CpuMsr = 20, // CPU_MSR_CODE
}
