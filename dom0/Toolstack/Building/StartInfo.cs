// SPDX-License-Identifier: MIT
// What a PVH guest finds at its start: one block of memory with the structure, the command line, the modules and the memory map. Used by DomainBuilder.
// Contract: xen/include/public/arch-x86/hvm/start_info.h; the order in the block is that of tools/libs/guest/xg_dom_x86.c.

using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using XenSharp.Abi;

namespace XenSharp.Toolstack.Building;

/// <param name="Address">Where a module lies in the guest.</param>
internal readonly record struct LoadedModule(ulong Address, ulong Size);

internal static class StartInfo
{
    /// <summary>Bytes of the block.</summary>
    public static int SizeOf(string commandLine, int modules, int memoryMapEntries) =>
        Unsafe.SizeOf<HvmStartInfo>() + CommandLineSize(commandLine) + (modules * Unsafe.SizeOf<HvmModuleListEntry>()) + (memoryMapEntries * Unsafe.SizeOf<HvmMemoryMapTableEntry>());

    /// <param name="address">Where the block will lie.</param>
    public static byte[] Build(ulong address, string commandLine, IReadOnlyList<LoadedModule> modules, IReadOnlyList<E820Entry> memoryMap, ulong rsdp)
    {
        byte[] block = new byte[SizeOf(commandLine, modules.Count, memoryMap.Count)];
        int text = Unsafe.SizeOf<HvmStartInfo>();
        int list = text + CommandLineSize(commandLine);
        int map = list + (modules.Count * Unsafe.SizeOf<HvmModuleListEntry>());
        HvmStartInfo info = new()
        {
            Magic = HvmStartInfoMagic.Value,
            Version = 1,
            ModuleCount = (uint)modules.Count,
            ModuleListPhysicalAddress = modules.Count > 0 ? address + (ulong)list : 0,
            CommandLinePhysicalAddress = commandLine.Length > 0 ? address + (ulong)text : 0,
            RsdpPhysicalAddress = rsdp,
            MemoryMapPhysicalAddress = address + (ulong)map,
            MemoryMapEntries = (uint)memoryMap.Count,
        };
        MemoryMarshal.Write(block, info);
        Encoding.UTF8.GetBytes(commandLine, block.AsSpan(text));
        for (int index = 0; index < modules.Count; index++)
        {
            HvmModuleListEntry entry = new() { PhysicalAddress = modules[index].Address, Size = modules[index].Size };
            MemoryMarshal.Write(block.AsSpan(list + (index * Unsafe.SizeOf<HvmModuleListEntry>())), entry);
        }
        for (int index = 0; index < memoryMap.Count; index++)
        {
            HvmMemoryMapTableEntry entry = new() { Address = memoryMap[index].Address, Size = memoryMap[index].Size, Type = memoryMap[index].Type };
            MemoryMarshal.Write(block.AsSpan(map + (index * Unsafe.SizeOf<HvmMemoryMapTableEntry>())), entry);
        }
        return block;
    }

    /// <summary>With its nul, to a multiple of 8; nothing for none.</summary>
    private static int CommandLineSize(string commandLine) => commandLine.Length == 0 ? 0 : (Encoding.UTF8.GetByteCount(commandLine) + 8) & ~7;
}
