// SPDX-License-Identifier: MIT
// The shared ring of PV devices. Contract: xen/include/public/io/ring.h of Xen 4.17 (MIT). Used by the hypercall
// handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>
/// The head of every shared ring page (DEFINE_RING_TYPES, struct name##_sring). Requests and responses share the slots that
/// start at Size; their number is the largest power of two that fits. Indexes run freely; each side publishes its producer
/// index last and asks for a notification through the event index.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct SharedRingHeader
{
    /// <summary>Offset of the first slot.</summary>
    public const int Size = 64;

    public uint RequestProducer; // written by the frontend
    public uint RequestEvent; // written by the backend: notify when RequestProducer passes this
    public uint ResponseProducer; // written by the backend
    public uint ResponseEvent; // written by the frontend: notify when ResponseProducer passes this
    public ByteArray4 Private;
    public ByteArray44 Pad;
}
