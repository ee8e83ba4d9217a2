// SPDX-License-Identifier: MIT
// States of a PV device's two ends (xen/include/public/io/xenbus.h).

namespace XenSharp.BlockBackend.Xenbus;

internal enum XenbusState
{
    Unknown = 0,
    Initialising = 1,
    InitWait = 2,
    Initialised = 3,
    Connected = 4,
    Closing = 5,
    Closed = 6,
}
