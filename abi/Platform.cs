// SPDX-License-Identifier: MIT
// Operations of the hardware domain on the machine: time, firmware, sleep, CPUs. Contract:
// xen/include/public/platform.h of Xen 4.17 (MIT). Used by the hypercall handlers, the guests and the tools; layout
// checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Commands of HYPERVISOR_platform_op, XENPF_*.</summary>
public enum PlatformCommand : uint
{
    // XENPF_settime32: Set clock such that it would read <secs,nsecs> after 00:00:00 UTC, 1 January, 1970 if the current system time was system_time.
    SetTime32 = 17,

    SetTime64 = 62, // XENPF_settime64
    SetTime = 62, // XENPF_settime

    // XENPF_add_memtype: Request memory range (mfn, mfn+nr_mfns-1) to have type type. On x86, type is an architecture-defined MTRR memory type.
    AddMemoryType = 31,

    // XENPF_del_memtype: Tear down an existing memory-range type. If handle is remembered then it should be passed in to accurately tear down the
    // correct setting (in case of overlapping memory regions with differing types). If it is not known then handle should be set to zero.
    DelMemoryType = 32,

    ReadMemoryType = 33, // XENPF_read_memtype: Read current type of an MTRR (x86-specific).
    MicrocodeUpdate = 35, // XENPF_microcode_update
    Quirk = 39, // XENPF_platform_quirk
    EfiRuntimeCall = 49, // XENPF_efi_runtime_call
    FirmwareInfo = 50, // XENPF_firmware_info
    EnterAcpiSleep = 51, // XENPF_enter_acpi_sleep
    ChangeFrequency = 52, // XENPF_change_freq

    // XENPF_getidletime: Get idle times (nanoseconds since boot) for physical CPUs specified in the cpumap_bitmap with range [0..cpumap_nr_cpus-1].
    // The idletime array is indexed by CPU number; only entries with the corresponding cpumap_bitmap bit set are written to.
    GetIdleTime = 53,

    SetProcessorPmInfo = 54, // XENPF_set_processor_pminfo
    GetCpuInfo = 55, // XENPF_get_cpuinfo
    GetCpuVersion = 48, // XENPF_get_cpu_version
    CpuOnline = 56, // XENPF_cpu_online
    CpuOffline = 57, // XENPF_cpu_offline
    CpuHotAdd = 58, // XENPF_cpu_hotadd
    MemoryHotAdd = 59, // XENPF_mem_hotadd
    CoreParking = 60, // XENPF_core_parking

    // XENPF_resource_op: Access generic platform resources(e.g., accessing MSR, port I/O, etc) in unified way. Batch resource operations in one call
    // are supported and they are always non-preemptible and executed in their original order.
    ResourceOperation = 61,

    GetSymbol = 63, // XENPF_get_symbol
}

/// <summary>Functions of XENPF_efi_runtime_call, XEN_EFI_*.</summary>
public enum EfiRuntimeFunction : uint
{
    GetTime = 1, // XEN_EFI_get_time
    SetTime = 2, // XEN_EFI_set_time
    GetWakeupTime = 3, // XEN_EFI_get_wakeup_time
    SetWakeupTime = 4, // XEN_EFI_set_wakeup_time
    GetNextHighMonotonicCount = 5, // XEN_EFI_get_next_high_monotonic_count
    GetVariable = 6, // XEN_EFI_get_variable
    SetVariable = 7, // XEN_EFI_set_variable
    GetNextVariableName = 8, // XEN_EFI_get_next_variable_name
    QueryVariableInfo = 9, // XEN_EFI_query_variable_info
    QueryCapsuleCapabilities = 10, // XEN_EFI_query_capsule_capabilities
    UpdateCapsule = 11, // XEN_EFI_update_capsule
}

/// <summary>Types of XENPF_firmware_info, XEN_FW_*.</summary>
public enum FirmwareInfoType : uint
{
    DiskInfo = 1, // XEN_FW_DISK_INFO: from int 13 AH=08/41/48
    DiskMbrSignature = 2, // XEN_FW_DISK_MBR_SIGNATURE: from MBR offset 0x1b8
    VbeDdcInfo = 3, // XEN_FW_VBEDDC_INFO: from int 10 AX=4f15
    KeyboardShiftFlags = 5, // XEN_FW_KBD_SHIFT_FLAGS
}

/// <summary>Index under XEN_FW_EFI_INFO, XEN_FW_EFI_*.</summary>
public enum FirmwareEfiIndex : uint
{
    Version = 0, // XEN_FW_EFI_VERSION
    ConfigTable = 1, // XEN_FW_EFI_CONFIG_TABLE
    Vendor = 2, // XEN_FW_EFI_VENDOR
    MemoryInfo = 3, // XEN_FW_EFI_MEM_INFO
    RtVersion = 4, // XEN_FW_EFI_RT_VERSION
    PciRom = 5, // XEN_FW_EFI_PCI_ROM
    AppleProperties = 6, // XEN_FW_EFI_APPLE_PROPERTIES
}

/// <summary>Flags of XENPF_get_cpuinfo, XEN_PCPU_FLAGS_*.</summary>
public enum PcpuFlags : uint
{
    Online = 1, // XEN_PCPU_FLAGS_ONLINE
    Invalid = 2, // XEN_PCPU_FLAGS_INVALID: Correponding xen_cpuid is not present
}

/// <summary>Version of the interface and further numbers.</summary>
public static class PlatformConstants
{
    public const uint InterfaceVersion = 0x3000001; // XENPF_INTERFACE_VERSION
    public const uint QuirkNoIrqBalancing = 1; // QUIRK_NOIRQBALANCING: Do not restrict IO-APIC RTE targets
    public const uint QuirkIoApicBadRegsel = 2; // QUIRK_IOAPIC_BAD_REGSEL: IO-APIC REGSEL forgets its value
    public const uint QuirkIoApicGoodRegsel = 3; // QUIRK_IOAPIC_GOOD_REGSEL: IO-APIC REGSEL behaves properly
    public const uint EfiGetTimeSetClearsNs = 0x1; // XEN_EFI_GET_TIME_SET_CLEARS_NS
    public const uint EfiGetWakeupTimeEnabled = 0x1; // XEN_EFI_GET_WAKEUP_TIME_ENABLED
    public const uint EfiGetWakeupTimePending = 0x2; // XEN_EFI_GET_WAKEUP_TIME_PENDING
    public const uint EfiSetWakeupTimeEnable = 0x1; // XEN_EFI_SET_WAKEUP_TIME_ENABLE
    public const uint EfiSetWakeupTimeEnableOnly = 0x2; // XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY
    public const uint EfiVariableNonVolatile = 0x1; // XEN_EFI_VARIABLE_NON_VOLATILE
    public const uint EfiVariableBootServiceAccess = 0x2; // XEN_EFI_VARIABLE_BOOTSERVICE_ACCESS
    public const uint EfiVariableRuntimeAccess = 0x4; // XEN_EFI_VARIABLE_RUNTIME_ACCESS
    public const uint EfiVarinfoBootSnapshot = 0x1; // XEN_EFI_VARINFO_BOOT_SNAPSHOT
    public const uint FirmwareEfiInfo = 4; // XEN_FW_EFI_INFO: from EFI
    public const uint AcpiSleepExtended = 0x1; // XENPF_ACPI_SLEEP_EXTENDED
    public const uint ProcessorPmCx = 1; // XEN_PROCESSOR_PM_CX: ability bits
    public const uint ProcessorPmPx = 2; // XEN_PROCESSOR_PM_PX
    public const uint ProcessorPmTx = 4; // XEN_PROCESSOR_PM_TX
    public const uint PmCx = 0; // XEN_PM_CX: cmd type
    public const uint PmPx = 1; // XEN_PM_PX
    public const uint PmTx = 2; // XEN_PM_TX
    public const uint PmPdc = 3; // XEN_PM_PDC
    public const uint PxPct = 1; // XEN_PX_PCT: Px sub info type
    public const uint PxPss = 2; // XEN_PX_PSS
    public const uint PxPpc = 4; // XEN_PX_PPC
    public const uint PxPsd = 8; // XEN_PX_PSD
    public const uint CpuperfSharedTypeHw = 1; // XEN_CPUPERF_SHARED_TYPE_HW: HW does needed coordination
    public const uint CpuperfSharedTypeAll = 2; // XEN_CPUPERF_SHARED_TYPE_ALL: All dependent CPUs should set freq
    public const uint CpuperfSharedTypeAny = 3; // XEN_CPUPERF_SHARED_TYPE_ANY: Freq can be set from any dependent CPU
    public const uint CoreParkingSet = 1; // XEN_CORE_PARKING_SET
    public const uint CoreParkingGet = 2; // XEN_CORE_PARKING_GET
    public const uint ResourceOperationMsrRead = 0; // XEN_RESOURCE_OP_MSR_READ
    public const uint ResourceOperationMsrWrite = 1; // XEN_RESOURCE_OP_MSR_WRITE
}

/// <summary>
/// struct xenpf_settime32, 16 bytes. Set clock such that it would read &lt;secs,nsecs&gt; after 00:00:00 UTC, 1 January, 1970 if the current system
/// time was system_time.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformSetTime32
{
    public uint Seconds; // IN
    public uint Nanoseconds; // IN
    public ulong SystemTime; // IN
}

/// <summary>struct xenpf_settime64, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformSetTime64
{
    public ulong Seconds; // IN
    public uint Nanoseconds; // IN
    public uint Mbz; // IN
    public ulong SystemTime; // IN
}

/// <summary>
/// struct xenpf_add_memtype, 32 bytes. Request memory range (mfn, mfn+nr_mfns-1) to have type type. On x86, type is an architecture-defined MTRR
/// memory type.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformAddMemoryType
{
    public ulong Mfn; // IN
    public ulong MfnCount; // IN
    public uint Type; // IN
    public uint Handle; // OUT
    public uint Register; // OUT
    public uint Padding0;
}

/// <summary>
/// struct xenpf_del_memtype, 8 bytes. Tear down an existing memory-range type. If handle is remembered then it should be passed in to accurately tear
/// down the correct setting (in case of overlapping memory regions with differing types). If it is not known then handle should be set to zero.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformDelMemoryType
{
    public uint Handle; // IN
    public uint Register; // IN
}

/// <summary>struct xenpf_read_memtype, 32 bytes. Read current type of an MTRR (x86-specific).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformReadMemoryType
{
    public uint Register; // IN
    public uint Padding0;
    public ulong Mfn; // OUT
    public ulong MfnCount; // OUT
    public uint Type; // OUT
    public uint Padding1;
}

/// <summary>struct xenpf_microcode_update, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformMicrocodeUpdate
{
    public ulong Data; // IN: guest handle of void. Pointer to microcode data
    public uint Length; // IN: Length of microcode data.
    public uint Padding0;
}

/// <summary>struct xenpf_platform_quirk, 4 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformQuirk
{
    public uint QuirkId; // IN
}

/// <summary>struct xenpf_enter_acpi_sleep, 12 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformEnterAcpiSleep
{
    public ushort ValueA; // IN: PM1a control / sleep type A.
    public ushort ValueB; // IN: PM1b control / sleep type B.
    public uint SleepState; // IN: Which state to enter (Sn).
    public uint Flags; // IN: XENPF_ACPI_SLEEP_*.
}

/// <summary>struct xenpf_change_freq, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformChangeFrequency
{
    public uint Flags; // IN: Must be zero.
    public uint Cpu; // IN: Physical cpu.
    public ulong Frequency; // IN: New frequency (Hz).
}

/// <summary>
/// struct xenpf_getidletime, 32 bytes. Get idle times (nanoseconds since boot) for physical CPUs specified in the cpumap_bitmap with range
/// [0..cpumap_nr_cpus-1]. The idletime array is indexed by CPU number; only entries with the corresponding cpumap_bitmap bit set are written to.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformGetIdleTime
{
    public ulong CpuMapBitmap; // IN/OUT: guest handle of uint8. CPUs to interrogate; subset of IN which are present
    public uint CpuMapCountCpus; // IN: Size of cpumap bitmap.
    public uint Padding0;
    public ulong IdleTime; // IN: guest handle of uint64. Must be indexable for every cpu in cpumap_bitmap.
    public ulong Now; // OUT: System time when the idletime snapshots were taken.
}

/// <summary>struct xenpf_pcpuinfo, 20 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformPcpuInfo
{
    public uint XenCpuid; // IN
    public uint MaxPresent; // OUT: The maxium cpu_id that is present
    public uint Flags; // OUT
    public uint ApicId; // OUT
    public uint AcpiId; // OUT
}

/// <summary>struct xenpf_pcpu_version, 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformPcpuVersion
{
    public uint XenCpuid; // IN
    public uint MaxPresent; // OUT: The maxium cpu_id that is present
    public ByteArray12 VendorId; // OUT
    public uint Family; // OUT
    public uint Model; // OUT
    public uint Stepping; // OUT
}

/// <summary>struct xenpf_cpu_ol, 4 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformCpuOnline
{
    public uint Cpuid;
}

/// <summary>struct xenpf_cpu_hotadd, 12 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformCpuHotAdd
{
    public uint ApicId;
    public uint AcpiId;
    public uint Proximity;
}

/// <summary>struct xenpf_mem_hotadd, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformMemoryHotAdd
{
    public ulong Spfn;
    public ulong Epfn;
    public uint Proximity;
    public uint Flags;
}

/// <summary>struct xenpf_core_parking, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformCoreParking
{
    public uint Type; // IN
    public uint IdleNums; // IN: variables: set cpu nums expected to be idled OUT variables: get cpu nums actually be idled
}

/// <summary>
/// struct xenpf_resource_entry, 24 bytes. Specially handled MSRs: - MSR_IA32_TSC READ: Returns the scaled system time(ns) instead of raw timestamp.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformResourceEntry
{
    public uint Command; // union of cmd, ret.
    public uint Reserved; // IN: padding and must be zero
    public ulong Index; // IN: resource address to access
    public ulong Value; // IN/OUT: resource value to set/get
}

/// <summary>struct xenpf_resource_op, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformResourceOperation
{
    public uint EntryCount; // number of resource entry
    public uint Cpu; // which cpu to run
    public ulong Entries; // guest handle of PlatformResourceEntry.
}

/// <summary>struct xenpf_symdata, 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformSymbolData
{
    public uint Namelen; // IN/OUT: size of name buffer; strlen(name) of hypervisor symbol (may be larger than what's been copied to guest)
    public uint Symnum; // IN/OUT: Symbol to read; Next available symbol. If same as IN then we reached the end
    public ulong Name; // OUT: guest handle of char.
    public ulong Address; // OUT
    public byte Type; // OUT
    public ByteArray7 Padding0;
}
