// SPDX-License-Identifier: MIT
// Operations of the hardware domain on the firmware. Contract: xen/include/public/platform.h of Xen 4.17 (MIT). Used by
// the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>struct xenpf_efi_time, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct EfiTime
{
    public ushort Year;
    public byte Month;
    public byte Day;
    public byte Hour;
    public byte Min;
    public byte Sec;
    public byte Padding0;
    public uint Ns;
    public short Tz;
    public byte Daylight;
    public byte Padding1;
}

/// <summary>struct xenpf_efi_guid, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct EfiGuid
{
    public uint Data1;
    public ushort Data2;
    public ushort Data3;
    public ByteArray8 Data4;
}

/// <summary>struct xenpf_efi_runtime_call, member u.get_time, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformEfiRuntimeCallGetTime
{
    public EfiTime Time;
    public uint Resolution;
    public uint Accuracy;
}

/// <summary>struct xenpf_efi_runtime_call, member u.get_variable, 40 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformEfiRuntimeCallGetVariable
{
    public ulong Name; // guest handle of void. UCS-2/UTF-16 string
    public ulong Size;
    public ulong Data; // guest handle of void.
    public EfiGuid VendorGuid;
}

/// <summary>struct xenpf_efi_runtime_call, member u.get_next_variable_name, 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformEfiRuntimeCallGetNextVariableName
{
    public ulong Size;
    public ulong Name; // guest handle of void. UCS-2/UTF-16 string
    public EfiGuid VendorGuid;
}

/// <summary>struct xenpf_efi_runtime_call, member u.query_variable_info, 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformEfiRuntimeCallQueryVariableInfo
{
    public uint Attributes;
    public uint Padding0;
    public ulong MaxStoreSize;
    public ulong RemainStoreSize;
    public ulong MaxSize;
}

/// <summary>struct xenpf_efi_runtime_call, member u.query_capsule_capabilities, 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformEfiRuntimeCallQueryCapsuleCapabilities
{
    public ulong CapsuleHeaderArray; // guest handle of void.
    public ulong CapsuleCount;
    public ulong MaxCapsuleSize;
    public uint ResetType;
    public uint Padding0;
}

/// <summary>struct xenpf_efi_runtime_call, member u.update_capsule, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformEfiRuntimeCallUpdateCapsule
{
    public ulong CapsuleHeaderArray; // guest handle of void.
    public ulong CapsuleCount;
    public ulong SgList; // machine address
}

/// <summary>struct xenpf_efi_runtime_call, 56 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformEfiRuntimeCall
{
    public uint Function;

    // This field is generally used for per sub-function flags (defined below), except for the XEN_EFI_get_next_high_monotonic_count case, where it
    // holds the single returned value.
    public uint Misc;

    public ulong Status;

    // union: get_time (PlatformEfiRuntimeCallGetTime), set_time (EfiTime), get_wakeup_time (EfiTime), set_wakeup_time (EfiTime), get_variable
    // (PlatformEfiRuntimeCallGetVariable), set_variable (PlatformEfiRuntimeCallGetVariable), get_next_variable_name ...
    public UInt64Array5 U;
}

/// <summary>struct xenpf_firmware_info, member u.disk_info, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformFirmwareInfoDiskInfo
{
    public byte Device; // Int13, Fn48: Check Extensions Present. %dl: bios device number
    public byte Version; // %ah: major version
    public ushort InterfaceSupport; // %cx: support bitmap
    public ushort LegacyMaxCylinder; // Int13, Fn08: Legacy Get Device Parameters. %cl[7:6]:%ch: max cyl #
    public byte LegacyMaxHead; // %dh: max head #
    public byte LegacySectorsPerTrack; // %cl[5:0]: max sector #

    // guest handle of void. Int13, Fn41: Get Device Parameters (as filled into %ds:%esi). NB. First uint16_t of buffer must be set to buffer size.
    public ulong EddParams;
}

/// <summary>struct xenpf_firmware_info, member u.disk_mbr_signature, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformFirmwareInfoDiskMbrSignature
{
    public byte Device; // bios device number
    public ByteArray3 Padding0;
    public uint MbrSignature; // offset 0x1b8 in mbr
}

/// <summary>struct xenpf_firmware_info, member u.vbeddc_info, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformFirmwareInfoVbeDdcInfo
{
    public byte Capabilities; // Int10, AX=4F15: Get EDID info.
    public byte EdidTransferTime;
    public UInt16Array3 Padding0;
    public ulong Edid; // guest handle of uint8. must refer to 128-byte buffer
}

/// <summary>union xenpf_efi_info, member cfg, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformEfiInfoConfig
{
    public ulong Address; // EFI_CONFIGURATION_TABLE
    public uint Nent;
    public uint Padding0;
}

/// <summary>union xenpf_efi_info, member vendor, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformEfiInfoVendor
{
    public uint Revision;
    public uint BufferSize; // input, in bytes
    public ulong Name; // guest handle of void. UCS-2/UTF-16 string
}

/// <summary>union xenpf_efi_info, member mem, 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformEfiInfoMemory
{
    public ulong Address;
    public ulong Size;
    public ulong Attributes;
    public uint Type;
    public uint Padding0;
}

/// <summary>union xenpf_efi_info, member pci_rom, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformEfiInfoPciRom
{
    public ushort Segment; // IN
    public byte Bus; // IN
    public byte Devfn; // IN
    public ushort Vendor; // IN
    public ushort Devid; // IN
    public ulong Address; // OUT
    public ulong Size; // OUT
}

/// <summary>union xenpf_efi_info, member apple_properties, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformEfiInfoAppleProperties
{
    public ulong Address; // OUT
    public ulong Size; // OUT
}

/// <summary>union xenpf_efi_info, 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformEfiInfo
{
    // largest member: version (uint), cfg (PlatformEfiInfoConfig), vendor (PlatformEfiInfoVendor), mem (PlatformEfiInfoMemory), pci_rom
    // (PlatformEfiInfoPciRom), apple_properties (PlatformEfiInfoAppleProperties)
    public UInt64Array4 U;
}

/// <summary>struct xenpf_firmware_info, 40 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformFirmwareInfo
{
    public uint Type; // IN
    public uint Index; // IN

    // OUT: union: disk_info (PlatformFirmwareInfoDiskInfo), disk_mbr_signature (PlatformFirmwareInfoDiskMbrSignature), vbeddc_info
    // (PlatformFirmwareInfoVbeDdcInfo), efi_info (PlatformEfiInfo), kbd_shift_flags (byte).
    public UInt64Array4 U;
}
