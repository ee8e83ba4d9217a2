// SPDX-License-Identifier: MIT
// State of the emulated interrupt controllers and timers, as it is saved and migrated. Contract:
// xen/include/public/arch-x86/hvm/save.h of Xen 4.17 (MIT). Used by the hypercall handlers, the guests and the tools;
// layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>struct hvm_hw_vpic, 8 bytes. PIC</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmHwVirtualPic
{
    public byte Irr; // IR line bitmasks.
    public byte Imr;
    public byte Isr;
    public byte IrqBase; // Line IRx maps to IRQ irq_base+x
    public byte Bits4; // bits, low to high: init_state:4, priority_add:4

    // bits, low to high: readsel_isr:1, poll:1, auto_eoi:1, rotate_on_auto_eoi:1, special_fully_nested_mode:1, special_mask_mode:1, is_master:1
    public byte Bits5;

    public byte Elcr; // Edge/trigger selection.
    public byte IntOutput; // Virtual INT output.
}

/// <summary>union vioapic_redir_entry, member fields, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VirtualIoApicRedirectionEntryFields
{
    public byte Vector;
    public byte Bits1; // bits, low to high: delivery_mode:3, dest_mode:1, delivery_status:1, polarity:1, remote_irr:1, trig_mode:1
    public byte Bits2; // bits, low to high: mask:1, reserve:7
    public ByteArray4 Reserved;
    public byte DestinationId;
}

/// <summary>union vioapic_redir_entry, 8 bytes. IO-APIC</summary>
[StructLayout(LayoutKind.Sequential)]
public struct VirtualIoApicRedirectionEntry
{
    public ulong U; // largest member: bits (ulong), fields (VirtualIoApicRedirectionEntryFields)
}

/// <summary>struct hvm_hw_vioapic, 400 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmHwVirtualIoApic
{
    public ulong BaseAddress;
    public uint IoRegisterSelect;
    public uint Id;
    public UInt64Array48 RedirectionTable; // union: bits (ulong), fields (VirtualIoApicRedirectionEntryFields).
}

/// <summary>struct hvm_hw_lapic, 24 bytes. LAPIC</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmHwLocalApic
{
    public ulong ApicBaseMsr;
    public uint Disabled; // VLAPIC_xx_DISABLED
    public uint TimerDivisor;
    public ulong TdtMsr;
}

/// <summary>struct hvm_hw_lapic_regs, 1024 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmHwLocalApicRegisters
{
    public ByteArray1024 Data;
}

/// <summary>struct hvm_hw_pci_irqs, 16 bytes. IRQs</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmHwPciIrqs
{
    // union: i (ulong[2]), pad (ulong[2]). Virtual interrupt wires for a single PCI bus. Indexed by: device*4 + INTx#.
    public UInt64Array2 U;
}

/// <summary>struct hvm_hw_isa_irqs, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmHwIsaIrqs
{
    // union: i (ulong[1]), pad (ulong[1]). Virtual interrupt wires for ISA devices. Indexed by ISA IRQ (assumes no ISA-device IRQ sharing).
    public ulong U;
}

/// <summary>struct hvm_hw_pci_link, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmHwPciLink
{
    // PCI-ISA interrupt router. Each PCI <device:INTx#> is 'wire-ORed' into one of four links using the traditional 'barber's pole' mapping ((device
    // + INTx#) & 3). The router provides a programmable mapping from each link to a GSI.
    public ByteArray4 Route;

    public ByteArray4 Pad0;
}

/// <summary>struct hvm_hw_pit_channel, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmHwPitChannel
{
    public uint Count; // can be 65536
    public ushort LatchedCount;
    public byte CountLatched;
    public byte StatusLatched;
    public byte Status;
    public byte ReadState;
    public byte WriteState;
    public byte WriteLatch;
    public byte RwMode;
    public byte Mode;
    public byte Bcd; // not supported
    public byte Gate; // timer start
}

/// <summary>struct hvm_hw_pit, 56 bytes. PIT</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmHwPit
{
    public HvmHwPitChannelArray3 Channels; // 3 x 16 bytes
    public uint SpeakerDataOn;
    public uint Pad0;
}

/// <summary>struct hvm_hw_rtc, 24 bytes. RTC</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmHwRtc
{
    public ByteArray14 CmosData; // CMOS bytes
    public byte CmosIndex; // Index register for 2-part operations
    public byte Pad0;
    public long RtcOffset; // RTC offset from host time
}

/// <summary>struct hvm_hw_hpet, member timers[0], 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmHwHpetTimer
{
    public ulong Config; // timers configuration/cap
    public ulong Cmp; // comparator
    public ulong Fsb; // FSB route, not supported now
    public ulong Res4; // reserved
}

/// <summary>struct hvm_hw_hpet, 1048 bytes. HPET</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmHwHpet
{
    public ulong Capability; // Memory-mapped, software visible registers capabilities
    public ulong Res0; // reserved
    public ulong Config; // configuration
    public ulong Res1; // reserved
    public ulong Isr; // interrupt status reg
    public UInt64Array25 Res2; // reserved
    public ulong Mc64; // main counter
    public ulong Res3; // reserved
    public HvmHwHpetTimerArray3 Timers;
    public UInt64Array84 Res5; // reserved, up to 0x3ff
    public UInt64Array3 Period; // Hidden register state Last value written to comparator
}

/// <summary>struct hvm_hw_pmtimer, 8 bytes. PM timer</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmHwPmTimer
{
    public uint TimerValue; // PM_TMR_BLK.TMR_VAL: 32bit free-running counter
    public ushort Pm1aStatus; // PM1a_EVT_BLK.PM1a_STS: status register
    public ushort Pm1aEnable; // PM1a_EVT_BLK.PM1a_EN: enable register
}
