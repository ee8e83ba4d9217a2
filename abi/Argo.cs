// SPDX-License-Identifier: MIT
// Numbers of the Argo message service, which answers -ENOSYS unless it is configured. Contract:
// xen/include/public/argo.h of Xen 4.17 (MIT). Used by the hypercall handlers, the guests and the tools; layout checked
// by tests/Unit/Abi.

namespace XenSharp.Abi;

/// <summary>Commands of HYPERVISOR_argo_op, XEN_ARGO_OP_*.</summary>
public enum ArgoOperation : uint
{
    // XEN_ARGO_OP_register_ring: XEN_ARGO_OP_register_ring; Register a ring using the guest-supplied memory pages. Also used to reregister an
    // existing ring (eg. after resume from hibernate).
    RegisterRing = 1,

    // XEN_ARGO_OP_unregister_ring: XEN_ARGO_OP_unregister_ring; Unregister a previously-registered ring, ending communication.
    UnregisterRing = 2,

    Sendv = 3, // XEN_ARGO_OP_sendv: XEN_ARGO_OP_sendv; Send a list of buffers contained in iovs.
    Notify = 4, // XEN_ARGO_OP_notify: XEN_ARGO_OP_notify; Asks Xen for information about other rings in the system.
}
