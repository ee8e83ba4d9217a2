// SPDX-License-Identifier: MIT
// The shared page of the PV console. Contract: xen/include/public/io/console.h of Xen 4.17 (MIT). Used by the hypercall
// handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>
/// struct xencons_interface, 3088 bytes. The page that the PV console shares: two byte rings, indexes run freely and are masked by the size of their
/// ring.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct XenConsoleInterface
{
    public ByteArray1024 In;
    public ByteArray2048 Out;
    public uint InConsumer;
    public uint InProducer;
    public uint OutConsumer;
    public uint OutProducer;
}
