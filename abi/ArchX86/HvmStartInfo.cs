// SPDX-License-Identifier: MIT
// What a PVH guest finds at its start; its address is in EBX. Contract: xen/include/public/arch-x86/hvm/start_info.h of
// Xen 4.17 (MIT). Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Types of memory map entries, XEN_HVM_MEMMAP_TYPE_*.</summary>
public enum HvmMemoryMapType : uint
{
    Ram = 1, // XEN_HVM_MEMMAP_TYPE_RAM
    Reserved = 2, // XEN_HVM_MEMMAP_TYPE_RESERVED
    Acpi = 3, // XEN_HVM_MEMMAP_TYPE_ACPI
    Nvs = 4, // XEN_HVM_MEMMAP_TYPE_NVS
    Unusable = 5, // XEN_HVM_MEMMAP_TYPE_UNUSABLE
    Disabled = 6, // XEN_HVM_MEMMAP_TYPE_DISABLED
    Pmem = 7, // XEN_HVM_MEMMAP_TYPE_PMEM
}

/// <summary>The number that opens hvm_start_info.</summary>
public static class HvmStartInfoMagic
{
    public const uint Value = 0x336EC578; // XEN_HVM_START_MAGIC_VALUE
}

/// <summary>struct hvm_start_info, 56 bytes. C representation of the x86/HVM start info layout.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmStartInfo
{
    public uint Magic; // Contains the magic value 0x336ec578
    public uint Version; // ("xEn3" with the 0x80 bit of the "E" set). Version of this structure.
    public StartInfoFlags Flags; // SIF_xxx flags.
    public uint ModuleCount; // Number of modules passed to the kernel.
    public ulong ModuleListPhysicalAddress; // Physical address of an array of
    public ulong CommandLinePhysicalAddress; // hvm_modlist_entry. Physical address of the command line.
    public ulong RsdpPhysicalAddress; // Physical address of the RSDP ACPI data

    // structure. All following fields only present in version 1 and newer Physical address of an array of
    public ulong MemoryMapPhysicalAddress;

    public uint MemoryMapEntries; // hvm_memmap_table_entry. Number of entries in the memmap table.
    public uint Reserved; // Value will be zero if there is no memory map being provided. Must be zero.
}

/// <summary>struct hvm_modlist_entry, 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmModuleListEntry
{
    public ulong PhysicalAddress; // Physical address of the module.
    public ulong Size; // Size of the module in bytes.
    public ulong CommandLinePhysicalAddress; // Physical address of the command line.
    public ulong Reserved;
}

/// <summary>struct hvm_memmap_table_entry, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmMemoryMapTableEntry
{
    public ulong Address; // Base address of the memory region
    public ulong Size; // Size of the memory region in bytes
    public HvmMemoryMapType Type; // Mapping type
    public uint Reserved; // Must be zero for Version 1.
}
