// SPDX-License-Identifier: MIT
// Physical interrupts and PCI devices: operations of the hardware domain and of PV guests. Contract:
// xen/include/public/physdev.h of Xen 4.17 (MIT). Used by the hypercall handlers, the guests and the tools; layout
// checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Commands of HYPERVISOR_physdev_op, PHYSDEVOP_*.</summary>
public enum PhysicalDeviceOperation : uint
{
    // PHYSDEVOP_irq_status_query: Query the status of an IRQ line. arg == pointer to physdev_irq_status_query structure.
    IrqStatusQuery = 5,

    SetIopl = 6, // PHYSDEVOP_set_iopl: Set the current VCPU's I/O privilege level. arg == pointer to physdev_set_iopl structure.

    // PHYSDEVOP_set_iobitmap: Set the current VCPU's I/O-port permissions bitmap. arg == pointer to physdev_set_iobitmap structure.
    SetIoBitmap = 7,

    ApicRead = 8, // PHYSDEVOP_apic_read: Read or write an IO-APIC register. arg == pointer to physdev_apic structure.
    ApicWrite = 9, // PHYSDEVOP_apic_write

    // PHYSDEVOP_alloc_irq_vector: Allocate or free a physical upcall vector for the specified IRQ line. arg == pointer to physdev_irq structure.
    AllocIrqVector = 10,

    FreeIrqVector = 11, // PHYSDEVOP_free_irq_vector
    Eoi = 12, // PHYSDEVOP_eoi: Notify end-of-interrupt (EOI) for the specified IRQ. arg == pointer to physdev_eoi structure.
    MapPirq = 13, // PHYSDEVOP_map_pirq
    UnmapPirq = 14, // PHYSDEVOP_unmap_pirq
    ManagePciAdd = 15, // PHYSDEVOP_manage_pci_add
    ManagePciRemove = 16, // PHYSDEVOP_manage_pci_remove

    // PHYSDEVOP_pirq_eoi_gmfn_v1: Register a shared page for the hypervisor to indicate whether the guest must issue PHYSDEVOP_eoi. The semantics of
    // PHYSDEVOP_eoi change slightly once the guest used this function in that the associated event channel will automatically get unmasked.
    PirqEoiGmfnV1 = 17,

    RestoreMsi = 19, // PHYSDEVOP_restore_msi
    ManagePciAddExtended = 20, // PHYSDEVOP_manage_pci_add_ext
    SetupGsi = 21, // PHYSDEVOP_setup_gsi
    GetFreePirq = 23, // PHYSDEVOP_get_free_pirq: type is MAP_PIRQ_TYPE_GSI or MAP_PIRQ_TYPE_MSI the hypercall returns a free pirq
    PciMmConfigReserved = 24, // PHYSDEVOP_pci_mmcfg_reserved
    PciDeviceAdd = 25, // PHYSDEVOP_pci_device_add
    PciDeviceRemove = 26, // PHYSDEVOP_pci_device_remove
    RestoreMsiExtended = 27, // PHYSDEVOP_restore_msi_ext

    // PHYSDEVOP_pirq_eoi_gmfn_v2: Register a shared page for the hypervisor to indicate whether the guest must issue PHYSDEVOP_eoi. This hypercall is
    // very similar to PHYSDEVOP_pirq_eoi_gmfn_v1 but it doesn't change the semantics of PHYSDEVOP_eoi.
    PirqEoiGmfnV2 = 28,

    DebugPortOperation = 29, // PHYSDEVOP_dbgp_op

    // PHYSDEVOP_prepare_msix: Dom0 should use these two to announce MMIO resources assigned to MSI-X capable devices won't (prepare) or may (release)
    // change.
    PrepareMsix = 30,

    ReleaseMsix = 31, // PHYSDEVOP_release_msix
}

/// <summary>Flags of PHYSDEVOP_irq_status_query, XENIRQSTAT_*.</summary>
public enum PhysicalIrqStatus : uint
{
    NeedsEoi = 1u << 0, // XENIRQSTAT_needs_eoi
    Shared = 1u << 1, // XENIRQSTAT_shared
}

/// <summary>Kinds of interrupts, MAP_PIRQ_TYPE_*.</summary>
public enum MapPirqType
{
    Msi = 0x0, // MAP_PIRQ_TYPE_MSI
    Gsi = 0x1, // MAP_PIRQ_TYPE_GSI
    Unknown = 0x2, // MAP_PIRQ_TYPE_UNKNOWN
    MsiSegment = 0x3, // MAP_PIRQ_TYPE_MSI_SEG
    MultiMsi = 0x4, // MAP_PIRQ_TYPE_MULTI_MSI
}

/// <summary>Flags of PHYSDEVOP_pci_device_add, XEN_PCI_DEV_*.</summary>
public enum PciDeviceFlags : uint
{
    ExtendedFunction = 0x1, // XEN_PCI_DEV_EXTFN
    VirtualFunction = 0x2, // XEN_PCI_DEV_VIRTFN
    Proximity = 0x4, // XEN_PCI_DEV_PXM
}

/// <summary>Flags of PHYSDEVOP_pci_mmcfg_reserved.</summary>
public enum PciMmConfigFlags : uint
{
    Reserved = 0x1, // XEN_PCI_MMCFG_RESERVED
}

/// <summary>Further numbers of the physical device operations.</summary>
public static class PhysicalDeviceConstants
{
    public const uint DebugPortResetPrepare = 1; // PHYSDEVOP_DBGP_RESET_PREPARE
    public const uint DebugPortResetDone = 2; // PHYSDEVOP_DBGP_RESET_DONE
    public const uint DebugPortBusUnknown = 0; // PHYSDEVOP_DBGP_BUS_UNKNOWN
    public const uint DebugPortBusPci = 1; // PHYSDEVOP_DBGP_BUS_PCI

    // PHYSDEVOP_IRQ_UNMASK_NOTIFY: Notify that some PIRQ-bound event channels have been unmasked. ** This command is obsolete since interface version
    // 0x00030202 and is ** ** unsupported by newer versions of Xen. **
    public const uint IrqUnmaskNotify = 4;

    public const uint PirqEoiGmfn = 28; // PHYSDEVOP_pirq_eoi_gmfn
}

/// <summary>
/// struct physdev_eoi, 4 bytes. Notify end-of-interrupt (EOI) for the specified IRQ. arg == pointer to physdev_eoi structure.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct PhysicalDeviceEoi
{
    public uint Irq; // IN
}

/// <summary>
/// struct physdev_pirq_eoi_gmfn, 8 bytes. Register a shared page for the hypervisor to indicate whether the guest must issue PHYSDEVOP_eoi. This
/// hypercall is very similar to PHYSDEVOP_pirq_eoi_gmfn_v1 but it doesn't change the semantics of PHYSDEVOP_eoi.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct PhysicalDevicePirqEoiGmfn
{
    public ulong Gmfn; // IN
}

/// <summary>
/// struct physdev_irq_status_query, 8 bytes. Query the status of an IRQ line. arg == pointer to physdev_irq_status_query structure.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct PhysicalDeviceIrqStatusQuery
{
    public uint Irq; // IN
    public PhysicalIrqStatus Flags; // OUT: XENIRQSTAT_*
}

/// <summary>
/// struct physdev_set_iopl, 4 bytes. Set the current VCPU's I/O privilege level. arg == pointer to physdev_set_iopl structure.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct PhysicalDeviceSetIopl
{
    public uint Iopl; // IN
}

/// <summary>
/// struct physdev_set_iobitmap, 16 bytes. Set the current VCPU's I/O-port permissions bitmap. arg == pointer to physdev_set_iobitmap structure.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct PhysicalDeviceSetIoBitmap
{
    public ulong Bitmap; // IN: guest handle of uint8.
    public uint PortCount; // IN
    public uint Padding0;
}

/// <summary>struct physdev_apic, 16 bytes. Read or write an IO-APIC register. arg == pointer to physdev_apic structure.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PhysicalDeviceApic
{
    public ulong ApicPhysBase; // IN
    public uint Register; // IN
    public uint Value; // IN: or OUT
}

/// <summary>
/// struct physdev_irq, 8 bytes. Allocate or free a physical upcall vector for the specified IRQ line. arg == pointer to physdev_irq structure.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct PhysicalDeviceIrqVector
{
    public uint Irq; // IN
    public uint Vector; // IN: or OUT
}

/// <summary>struct physdev_map_pirq, 40 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PhysicalDeviceMapPirq
{
    public ushort DomainId;
    public ushort Padding0;
    public MapPirqType Type; // IN
    public int Index; // IN: (ignored for ..._MULTI_MSI)
    public int Pirq; // IN: or OUT
    public int Bus; // IN: high 16 bits hold segment for ..._MSI_SEG and ..._MULTI_MSI
    public int Devfn; // IN
    public int EntryCount; // IN: (also OUT for ..._MULTI_MSI)
    public uint Padding1;
    public ulong TableBase; // IN
}

/// <summary>struct physdev_unmap_pirq, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PhysicalDeviceUnmapPirq
{
    public ushort DomainId; // IN
    public ushort Padding0;
    public int Pirq; // IN
}

/// <summary>struct physdev_manage_pci, 2 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PhysicalDeviceManagePci
{
    public byte Bus; // IN
    public byte Devfn; // IN
}

/// <summary>struct physdev_restore_msi, 2 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PhysicalDeviceRestoreMsi
{
    public byte Bus; // IN
    public byte Devfn; // IN
}

/// <summary>struct physdev_manage_pci_ext, member physfn, 2 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PhysicalDeviceManagePciExtendedPhysicalFunction
{
    public byte Bus;
    public byte Devfn;
}

/// <summary>struct physdev_manage_pci_ext, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PhysicalDeviceManagePciExtended
{
    public byte Bus; // IN
    public byte Devfn; // IN
    public ushort Padding0;
    public uint IsExtendedFunction; // IN
    public uint IsVirtualFunction; // IN
    public PhysicalDeviceManagePciExtendedPhysicalFunction PhysicalFunction; // IN
    public ushort Padding1;
}

/// <summary>
/// struct physdev_op, 24 bytes. Argument to physdev_op_compat() hypercall. Superceded by new physdev_op() hypercall since 0x00030202.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct PhysicalDeviceCompatHeader
{
    /// <summary>Bytes of the whole C structure; a caller supplies this many.</summary>
    public const int TotalSize = 24;

    /// <summary>Offset and size of union u, where the operation's own structure starts.</summary>
    public const int ArgumentOffset = 8, ArgumentSize = 16;

    public uint Command;
    public uint Padding0;
}

/// <summary>struct physdev_setup_gsi, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PhysicalDeviceSetupGsi
{
    public int Gsi; // IN
    public byte Triggering; // IN
    public byte Polarity; // IN
    public ushort Padding0;
}

/// <summary>
/// struct physdev_get_free_pirq, 8 bytes. type is MAP_PIRQ_TYPE_GSI or MAP_PIRQ_TYPE_MSI the hypercall returns a free pirq
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct PhysicalDeviceGetFreePirq
{
    public int Type; // IN
    public uint Pirq; // OUT
}

/// <summary>struct physdev_pci_mmcfg_reserved, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PhysicalDevicePciMmConfigReserved
{
    public ulong Address; // IN
    public ushort Segment; // IN
    public byte StartBus; // IN
    public byte EndBus; // IN
    public uint Flags; // IN
}

/// <summary>struct physdev_pci_device_add, member physfn, 2 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PhysicalDevicePciDeviceAddPhysicalFunction
{
    public byte Bus;
    public byte Devfn;
}

/// <summary>struct physdev_pci_device_add, 12 bytes. Followed by a variable-length array <c>optarr</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PhysicalDevicePciDeviceAdd
{
    public ushort Segment; // IN
    public byte Bus; // IN
    public byte Devfn; // IN
    public PciDeviceFlags Flags; // IN
    public PhysicalDevicePciDeviceAddPhysicalFunction PhysicalFunction; // IN
    public ushort Padding0;
}

/// <summary>
/// struct physdev_pci_device, 4 bytes. Dom0 should use these two to announce MMIO resources assigned to MSI-X capable devices won't (prepare) or may
/// (release) change.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct PhysicalDevicePciDevice
{
    public ushort Segment; // IN
    public byte Bus; // IN
    public byte Devfn; // IN
}

/// <summary>struct physdev_dbgp_op, 6 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PhysicalDeviceDebugPortOperation
{
    public byte Operation; // IN
    public byte Bus; // IN
    public UInt16Array2 U; // IN: union: pci (PhysicalDevicePciDevice).
}
