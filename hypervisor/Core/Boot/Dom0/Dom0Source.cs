// SPDX-License-Identifier: MIT
// What the loader brought for dom0.

using System;
using XenSharp.Core.Boot.Acpi;

namespace XenSharp.Core.Boot.Dom0;

/// <summary>The files, unpacked and checked by the port, and the machine's tables.</summary>
public ref struct Dom0Source
{
    /// <summary>The kernel as an ELF, with its notes (inspected without error).</summary>
    public Kernel.KernelImage Kernel;

    /// <summary>The ramdisk; empty if there is none.</summary>
    public ReadOnlySpan<byte> Ramdisk;

    public ReadOnlySpan<byte> CommandLine;

    public MachineTables Tables;

    /// <summary>First port of the UART that the hypervisor uses, hidden from dom0; 0: none.</summary>
    public ushort UartPort;

    /// <summary>
    /// Dom0's memory is 1:1: the RAM above the first MiB of the memory map given is its own, this many pages, which nobody else has. 0: it
    /// takes memory from the allocator.
    /// </summary>
    public ulong DirectPages;

    /// <summary>A page below 1 MiB that the hypervisor keeps: dom0 gets another one in its place. 0: none.</summary>
    public ulong KeptLowPage;
}
