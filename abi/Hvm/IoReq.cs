// SPDX-License-Identifier: MIT
// The page by which the hypervisor asks a device model to complete an access. Contract: xen/include/public/hvm/ioreq.h
// of Xen 4.17 (MIT). Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Types of requests, IOREQ_TYPE_*.</summary>
public enum IoRequestType : byte
{
    Pio = 0, // IOREQ_TYPE_PIO: pio
    Copy = 1, // IOREQ_TYPE_COPY: mmio ops
    PciConfig = 2, // IOREQ_TYPE_PCI_CONFIG
    TimeOffset = 7, // IOREQ_TYPE_TIMEOFFSET
    Invalidate = 8, // IOREQ_TYPE_INVALIDATE: mapcache
}

/// <summary>States of a request, STATE_IO*.</summary>
public enum IoRequestState : byte
{
    IoRequestNone = 0, // STATE_IOREQ_NONE
    IoRequestReady = 1, // STATE_IOREQ_READY
    IoRequestInprocess = 2, // STATE_IOREQ_INPROCESS
    IorespReady = 3, // STATE_IORESP_READY
}

/// <summary>Direction of a request, slots of the buffered page, ACPI ports of the device model.</summary>
public static class IoRequestConstants
{
    public const uint IoRequestRead = 1; // IOREQ_READ
    public const uint IoRequestWrite = 0; // IOREQ_WRITE
    public const uint IoRequestBufferSlotNumber = 511; // IOREQ_BUFFER_SLOT_NUM: 8 bytes each, plus 2 4-byte indexes

    // ACPI_PM1A_EVT_BLK_ADDRESS_V0: Version 0 (default): Traditional (obsolete) Xen locations.
    public const uint AcpiPm1aEventBlockAddressV0 = 0x1F40;

    public const uint AcpiPm1aCountBlockAddressV0 = 0x1F44; // ACPI_PM1A_CNT_BLK_ADDRESS_V0
    public const uint AcpiPmTimerBlockAddressV0 = 0x1F48; // ACPI_PM_TMR_BLK_ADDRESS_V0
    public const uint AcpiGpe0BlockAddressV0 = 0x1F68; // ACPI_GPE0_BLK_ADDRESS_V0
    public const uint AcpiGpe0BlockLengthV0 = 0x8; // ACPI_GPE0_BLK_LEN_V0

    // ACPI_PM1A_EVT_BLK_ADDRESS_V1: Version 1: Locations preferred by modern Qemu (including Qemu-trad).
    public const uint AcpiPm1aEventBlockAddressV1 = 0xB000;

    public const uint AcpiPm1aCountBlockAddressV1 = 0xB004; // ACPI_PM1A_CNT_BLK_ADDRESS_V1
    public const uint AcpiPmTimerBlockAddressV1 = 0xB008; // ACPI_PM_TMR_BLK_ADDRESS_V1
    public const uint AcpiGpe0BlockAddressV1 = 0xAFE0; // ACPI_GPE0_BLK_ADDRESS_V1
    public const uint AcpiGpe0BlockLengthV1 = 0x4; // ACPI_GPE0_BLK_LEN_V1
}

/// <summary>
/// struct ioreq, 32 bytes. VMExit dispatcher should cooperate with instruction decoder to prepare this structure and notify service OS and DM by
/// sending virq.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct IoRequest
{
    public ulong Address; // physical address
    public ulong Data; // data (or paddr of data)
    public uint Count; // for rep prefixes
    public uint Size; // size in bytes
    public uint EventChannelPort; // evtchn for notifications to/from device model
    public ushort Pad0;
    public byte StateAndFlags; // bits, low to high: state:4, data_is_ptr:1, dir:1, df:1, _pad1:1
    public byte Type; // I/O type
}

/// <summary>struct shared_iopage, 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SharedIoPage
{
    public IoRequest VcpuIoRequest;
}

/// <summary>struct buf_ioreq, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct BufferedIoRequest
{
    public byte Type; // I/O type
    public ByteArray3 Bits1; // bits, low to high: pad:1, dir:1, size:2, addr:20
    public uint Data; // data
}

/// <summary>struct buffered_iopage, 4096 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct BufferedIoPage
{
    public uint ReadPointer;
    public uint WritePointer;
    public BufferedIoRequestArray511 BufferIoRequest;
}
