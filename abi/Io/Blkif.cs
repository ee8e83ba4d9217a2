// SPDX-License-Identifier: MIT
// PV disks: requests and responses. Contract: xen/include/public/io/blkif.h of Xen 4.17 (MIT). Used by the hypercall
// handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Operations, BLKIF_OP_*.</summary>
public enum BlkifOperation : byte
{
    Read = 0, // BLKIF_OP_READ: REQUEST CODES.
    Write = 1, // BLKIF_OP_WRITE

    // BLKIF_OP_WRITE_BARRIER: All writes issued prior to a request with the BLKIF_OP_WRITE_BARRIER operation code ("barrier request") must be
    // completed prior to the execution of the barrier request.
    WriteBarrier = 2,

    // BLKIF_OP_FLUSH_DISKCACHE: Commit any uncommitted contents of the backing device's volatile cache to stable storage.
    FlushDiskCache = 3,

    // BLKIF_OP_RESERVED_1: Used in SLES sources for device specific command packet contained within the request. Reserved for that purpose.
    Reserved1 = 4,

    // BLKIF_OP_DISCARD: Indicate to the backend device that a region of storage is no longer in use, and may be discarded at any time without impact
    // to the client.
    Discard = 5,

    // BLKIF_OP_INDIRECT: Recognized if "feature-max-indirect-segments" in present in the backend xenbus info. The "feature-max-indirect-segments"
    // node contains the maximum number of segments allowed by the backend per request.
    Indirect = 6,
}

/// <summary>Result of a request, BLKIF_RSP_*.</summary>
public enum BlkifStatus : short
{
    OpNotSupp = -2, // BLKIF_RSP_EOPNOTSUPP: Operation not supported (only happens on barrier writes).
    Error = -1, // BLKIF_RSP_ERROR: Operation failed for some unspecified reason (-EIO).
    Okay = 0, // BLKIF_RSP_OKAY: Operation completed successfully.
}

/// <summary>Limits and flags.</summary>
public static class BlkifConstants
{
    // BLKIF_MAX_SEGMENTS_PER_REQUEST: Maximum scatter/gather segments per request. This is carefully chosen so that sizeof(blkif_ring_t) <=
    // PAGE_SIZE.
    public const uint MaxSegmentsPerRequest = 11;

    // BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST: Maximum number of indirect pages to use per request.
    public const uint MaxIndirectPagesPerRequest = 8;

    public const uint DiscardSecure = 1u << 0; // BLKIF_DISCARD_SECURE: ignored if discard-secure=0
    public const uint VdiskCdrom = 0x1; // VDISK_CDROM
    public const uint VdiskRemovable = 0x2; // VDISK_REMOVABLE
    public const uint VdiskReadOnly = 0x4; // VDISK_READONLY
}

/// <summary>
/// struct blkif_request_segment, 8 bytes. NB. 'first_sect' and 'last_sect' in blkif_request_segment, as well as 'sector_number' in blkif_request,
/// blkif_request_discard and blkif_request_indirect are sector-based quantities.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct BlkifRequestSegment
{
    public uint GrantRef; // reference to I/O buffer frame

    // first_sect: first sector in frame to transfer (inclusive). last_sect: last sector in frame to transfer (inclusive).
    public byte FirstSect;

    // first_sect: first sector in frame to transfer (inclusive). last_sect: last sector in frame to transfer (inclusive).
    public byte LastSect;

    public ushort Padding0;
}

/// <summary>struct blkif_request, 112 bytes. Starting ring element for any I/O request.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct BlkifRequest
{
    public BlkifOperation Operation; // BLKIF_OP_???
    public byte SegmentCount; // number of segments
    public ushort Handle; // only for read/write requests
    public uint Padding0;
    public ulong Id; // private guest value, echoed in resp
    public ulong SectorNumber; // start sector idx on disk (r/w only)
    public BlkifRequestSegmentArray11 Segment;
}

/// <summary>
/// struct blkif_request_discard, 32 bytes. Cast to this structure when blkif_request.operation == BLKIF_OP_DISCARD sizeof(struct
/// blkif_request_discard) &lt;= sizeof(struct blkif_request)
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct BlkifRequestDiscard
{
    public byte Operation; // BLKIF_OP_DISCARD
    public byte Flag; // BLKIF_DISCARD_SECURE or zero
    public ushort Handle; // same as for read/write requests
    public uint Padding0;
    public ulong Id; // private guest value, echoed in resp
    public ulong SectorNumber; // start sector idx on disk
    public ulong SectorCount; // number of contiguous sectors to discard
}

/// <summary>struct blkif_request_indirect, 64 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct BlkifRequestIndirect
{
    public byte Operation; // BLKIF_OP_INDIRECT
    public byte IndirectOperation; // BLKIF_OP_{READ/WRITE}
    public ushort SegmentCount; // number of segments
    public uint Padding0;
    public ulong Id; // private guest value, echoed in resp
    public ulong SectorNumber; // start sector idx on disk (r/w only)
    public ushort Handle; // same as for read/write requests
    public ushort Padding1;
    public UInt32Array8 IndirectGrantRefs;
    public uint Padding2;
}

/// <summary>struct blkif_response, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct BlkifResponse
{
    public ulong Id; // copied from request
    public byte Operation; // copied from request
    public byte Padding0;
    public BlkifStatus Status; // BLKIF_RSP_???
    public uint Padding1;
}
