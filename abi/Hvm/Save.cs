// SPDX-License-Identifier: MIT
// The header of each record of saved HVM state. Contract: xen/include/public/hvm/save.h of Xen 4.17 (MIT). Used by the
// hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>struct hvm_save_descriptor, 8 bytes. Each entry is preceded by a descriptor giving its type and length</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HvmSaveDescriptor
{
    public ushort TypeCode; // Used to demux the various types below
    public ushort Instance; // Further demux within a type
    public uint Length; // In bytes, *not* including this descriptor
}
