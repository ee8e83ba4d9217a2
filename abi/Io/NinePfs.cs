// SPDX-License-Identifier: MIT
// PV file system: the shared ring. Contract: xen/include/public/io/9pfs.h of Xen 4.17 (MIT). Used by the hypercall
// handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>
/// struct xen_9pfs_data_intf, 132 bytes. The page that a 9pfs frontend grants per ring. Followed by a variable-length array <c>ref</c>.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct NinePfsDataInterface
{
    public uint InConsumer;
    public uint InProducer;
    public ByteArray56 Pad1;
    public uint OutConsumer;
    public uint OutProducer;
    public ByteArray56 Pad2;
    public uint RingOrder;
}

/// <summary>struct xen_9pfs_data, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct NinePfsData
{
    public ulong In; // pointer to unsigned char.
    public ulong Out; // pointer to unsigned char.
}
