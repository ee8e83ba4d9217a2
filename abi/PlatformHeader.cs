// SPDX-License-Identifier: MIT
// The structure that carries every platform operation. Contract: xen/include/public/platform.h of Xen 4.17 (MIT). Used
// by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>
/// struct xen_platform_op, 136 bytes. Platform operations; for the hardware domain. The argument follows at ArgumentOffset.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformHeader
{
    /// <summary>Bytes of the whole C structure; a caller supplies this many.</summary>
    public const int TotalSize = 136;

    /// <summary>Offset and size of union u, where the operation's own structure starts.</summary>
    public const int ArgumentOffset = 8, ArgumentSize = 128;

    public PlatformCommand Command; // IN
    public uint InterfaceVersion; // IN: XENPF_INTERFACE_VERSION
}
