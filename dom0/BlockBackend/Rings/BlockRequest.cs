// SPDX-License-Identifier: MIT
// One request of a frontend, copied out of the ring.

using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace XenSharp.BlockBackend.Rings;

/// <summary>BLKIF_OP_*. A frontend may send any other value.</summary>
internal enum BlockOperation : byte
{
    Read = 0,
    Write = 1,
    WriteBarrier = 2,
    FlushDiskCache = 3,
    Discard = 5,
    Indirect = 6,
}

/// <summary>A granted page and which of its 512-byte sectors take part.</summary>
internal struct BlockSegment
{
    public const int Size = 8;
    private const int SectorsPerPage = 8;

    public uint Reference;
    public byte First;
    public byte Last;

    public readonly bool IsValid => First <= Last && Last < SectorsPerPage;

    public readonly int Sectors => Last - First + 1;

    public static BlockSegment Parse(ReadOnlySpan<byte> data) =>
        new() { Reference = BinaryPrimitives.ReadUInt32LittleEndian(data), First = data[4], Last = data[5] };
}

[InlineArray(RingProtocol.MaxSegments)]
internal struct DirectSegments
{
    private BlockSegment _first;
}

[InlineArray(RingProtocol.MaxIndirectPages)]
internal struct IndirectReferences
{
    private uint _first;
}

internal struct BlockRequest
{
    /// <summary>What to do; for an indirect request the operation inside it.</summary>
    public BlockOperation Operation;

    public bool IsIndirect;
    public ulong Id;
    public ulong Sector;

    /// <summary>Sectors of a discard.</summary>
    public ulong SectorCount;

    public int SegmentCount;
    public DirectSegments Segments;
    public IndirectReferences Indirect;
}
