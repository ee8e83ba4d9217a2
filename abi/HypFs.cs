// SPDX-License-Identifier: MIT
// The hypervisor file system. Contract: xen/include/public/hypfs.h of Xen 4.17 (MIT). Used by the hypercall handlers,
// the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Commands of HYPERVISOR_hypfs_op, XEN_HYPFS_OP_*.</summary>
public enum HypFsOperation : uint
{
    GetVersion = 0, // XEN_HYPFS_OP_get_version: XEN_HYPFS_OP_get_version; Read highest interface version supported by the hypervisor.
    Read = 1, // XEN_HYPFS_OP_read: XEN_HYPFS_OP_read; Read a filesystem entry.
    WriteContents = 2, // XEN_HYPFS_OP_write_contents: XEN_HYPFS_OP_write_contents; Write contents of a filesystem entry.
}

/// <summary>Types of entries, XEN_HYPFS_TYPE_*.</summary>
public enum HypFsType : byte
{
    Direction = 0, // XEN_HYPFS_TYPE_DIR
    Blob = 1, // XEN_HYPFS_TYPE_BLOB
    String = 2, // XEN_HYPFS_TYPE_STRING
    Uint = 3, // XEN_HYPFS_TYPE_UINT
    Int = 4, // XEN_HYPFS_TYPE_INT
    Bool = 5, // XEN_HYPFS_TYPE_BOOL
}

/// <summary>Encoding of contents, XEN_HYPFS_ENC_*.</summary>
public enum HypFsEncoding : byte
{
    Plain = 0, // XEN_HYPFS_ENC_PLAIN
    Gzip = 1, // XEN_HYPFS_ENC_GZIP
}

/// <summary>Version and limits.</summary>
public static class HypFsLimits
{
    public const uint Version = 1; // XEN_HYPFS_VERSION: Highest version number of the hypfs interface currently defined.
    public const uint MaxPathLength = 1024; // XEN_HYPFS_MAX_PATHLEN: Maximum length of a path in the filesystem.
}

/// <summary>struct xen_hypfs_direntry, 12 bytes. Maximum length of a path in the filesystem.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HypFsDirEntry
{
    public HypFsType Type;
    public HypFsEncoding Encoding;
    public ushort Pad; // Returned as 0.
    public uint ContentLength; // Current length of data.
    public uint MaxWriteLength; // Max. length for writes (0 if read-only).
}

/// <summary>struct xen_hypfs_dirlistentry, 16 bytes. Followed by a variable-length array <c>name</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct HypFsDirListEntry
{
    public HypFsDirEntry E;
    public ushort OffNext; // Offset in bytes to next entry (0 == this is the last entry).
    public ushort Padding0;
}
