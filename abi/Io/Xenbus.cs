// SPDX-License-Identifier: MIT
// States of a PV device. Contract: xen/include/public/io/xenbus.h of Xen 4.17 (MIT). Used by the hypercall handlers,
// the guests and the tools; layout checked by tests/Unit/Abi.

namespace XenSharp.Abi;

/// <summary>enum xenbus_state: states of one end of a PV device, XenbusState*.</summary>
public enum XenbusState : uint
{
    Unknown = 0, // XenbusStateUnknown
    Initialising = 1, // XenbusStateInitialising

    // XenbusStateInitWait: InitWait: Finished early initialisation but waiting for information from the peer or hotplug scripts.
    InitWait = 2,

    Initialised = 3, // XenbusStateInitialised: Initialised: Waiting for a connection from the peer.
    Connected = 4, // XenbusStateConnected
    Closing = 5, // XenbusStateClosing: Closing: The device is being closed due to an error or an unplug event.
    Closed = 6, // XenbusStateClosed
    Reconfiguring = 7, // XenbusStateReconfiguring: Reconfiguring: The device is being reconfigured.
    Reconfigured = 8, // XenbusStateReconfigured
}
