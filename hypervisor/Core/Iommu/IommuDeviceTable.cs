// SPDX-License-Identifier: MIT
// The table of devices and their interrupt tables (specification 48882, 2.2.2 "Device Table Entry Format" and 2.2.5 "Interrupt Remapping
// Tables"). Called by IommuSystem under its lock; who changes an entry tells the IOMMUs.

using XenSharp.Core.Boot.Acpi;
using XenSharp.Edge;

namespace XenSharp.Core.Iommu;

/// <summary>
/// Every entry is valid from the start and lets nothing through: an entry that is not valid would let a device's requests pass
/// untranslated.
/// </summary>
public sealed class IommuDeviceTable(Host host, Mfn table, ulong pages, Mfn blockedRoot)
{
    public const int EntryBytes = 32;

    /// <summary>Interrupts of one device: a page of 4-byte entries.</summary>
    public const int InterruptCount = 1024;

    private const ulong Valid = 1, TranslationValid = 2, Read = 1UL << 61, Write = 1UL << 62, AddressMask = 0x000f_ffff_ffff_f000;
    private const ulong InterruptsValid = 1, InterruptTableMask = 0x000f_ffff_ffff_ffc0, RemapInterrupts = 2UL << 60;
    private const ulong InterruptLength = 10 << 1; // 2^10 entries
    private const int ModeShift = 9;

    public Mfn Table { get; } = table;

    public ulong Pages { get; } = pages;

    public int Count => (int)(Pages * (FrameSize.Bytes / EntryBytes));

    /// <summary>Blocks all devices. With <paramref name="remapInterrupts"/> also their interrupts, until each is mapped.</summary>
    public void BlockAll(bool remapInterrupts)
    {
        for (int i = 0; i < Count; i++)
        {
            WriteWord(i, 1, 0);
            WriteWord(i, 2, remapInterrupts ? InterruptsValid : 0);
            WriteWord(i, 3, 0);
            Block((ushort)i);
        }
    }

    // An empty table without permissions: every request faults, and QEMU's IOMMU also says so.
    public void Block(ushort deviceId) => WriteWord(deviceId, 0, Valid | TranslationValid | ((ulong)IoPageTable.Levels << ModeShift) | blockedRoot.Address);

    /// <summary>Lets the device's own interrupts pass unchanged: for an IOMMU itself, whose interrupts are the hypervisor's.</summary>
    public void PassInterrupts(ushort deviceId) => WriteWord(deviceId, 2, 0);

    /// <summary>Signals that pass beside the interrupt table, as the firmware wants it (bits of an IVHD device entry).</summary>
    public void SetSettings(ushort deviceId, byte settings)
    {
        const int systemManagementShift = 40, passShift = 56, linePassShift = 62;
        WriteWord(deviceId, 1, ReadWord(deviceId, 1) | (((ulong)settings >> 4 & 3) << systemManagementShift));
        WriteWord(deviceId, 2, ReadWord(deviceId, 2) | ((settings & 7ul) << passShift) | ((ulong)(settings >> 6) << linePassShift));
    }

    public void Assign(ushort deviceId, IoPageTable table)
    {
        WriteWord(deviceId, 1, (ReadWord(deviceId, 1) & ~0xfffful) | table.DomainId);
        WriteWord(deviceId, 0, Valid | TranslationValid | ((ulong)IoPageTable.Levels << ModeShift) | table.Root.Address | Read | Write);
    }

    /// <summary>Whether the entry's page table is this one.</summary>
    public bool IsAssigned(ushort deviceId, IoPageTable table) =>
        (ReadWord(deviceId, 0) & (AddressMask | Read)) == (table.Root.Address | Read);

    /// <summary>The device's interrupt table; false if it has none.</summary>
    public bool TryGetInterrupts(ushort deviceId, out Mfn interrupts)
    {
        ulong word = ReadWord(deviceId, 2);
        interrupts = Mfn.Containing(word & InterruptTableMask);
        return (word & RemapInterrupts) != 0;
    }

    public void SetInterrupts(ushort deviceId, Mfn interrupts) =>
        WriteWord(deviceId, 2, (ReadWord(deviceId, 2) & ~(InterruptTableMask | 0x1f)) | interrupts.Address | InterruptLength | RemapInterrupts | InterruptsValid);

    /// <summary>An interrupt table entry for a fixed interrupt to one CPU, by its local APIC's id.</summary>
    public static uint Interrupt(byte vector, uint destination)
    {
        const uint enabled = 1;
        const int destinationShift = 8, vectorShift = 16;
        return enabled | (destination << destinationShift) | ((uint)vector << vectorShift);
    }

    private ulong ReadWord(int deviceId, int word) => host.Memory.Read64(Frame(deviceId), Offset(deviceId, word));

    private void WriteWord(int deviceId, int word, ulong value) => host.Memory.Write64(Frame(deviceId), Offset(deviceId, word), value);

    private Mfn Frame(int deviceId) => Table + (ulong)((deviceId * EntryBytes) >> FrameSize.Shift);

    private static int Offset(int deviceId, int word) => ((deviceId * EntryBytes) & (int)FrameSize.Mask) + (word * 8);
}
