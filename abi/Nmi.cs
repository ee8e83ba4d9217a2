// SPDX-License-Identifier: MIT
// NMI callback of a PV guest. Contract: xen/include/public/nmi.h of Xen 4.17 (MIT). Used by the hypercall handlers, the
// guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Bits of arch_shared_info.nmi_reason, XEN_NMIREASON_*.</summary>
public enum NmiReason : ulong
{
    IoError = 1ul << 0, // XEN_NMIREASON_io_error
    PciSerr = 1ul << 1, // XEN_NMIREASON_pci_serr
    Unknown = 1ul << 2, // XEN_NMIREASON_unknown
}

/// <summary>Commands of HYPERVISOR_nmi_op, XENNMI_*.</summary>
public enum NmiOperation : uint
{
    // XENNMI_register_callback: Register NMI callback for this (calling) VCPU. Currently this only makes sense for domain 0, vcpu 0. All other
    // callers will be returned EINVAL. arg == pointer to xennmi_callback structure.
    RegisterCallback = 0,

    UnregisterCallback = 1, // XENNMI_unregister_callback: Deregister NMI callback for this (calling) VCPU. arg == NULL.
}

/// <summary>
/// struct xennmi_callback, 16 bytes. Register NMI callback for this (calling) VCPU. Currently this only makes sense for domain 0, vcpu 0. All other
/// callers will be returned EINVAL. arg == pointer to xennmi_callback structure.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct NmiCallback
{
    public ulong HandlerAddress;
    public ulong Pad;
}
