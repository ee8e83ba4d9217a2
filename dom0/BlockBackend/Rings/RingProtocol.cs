// SPDX-License-Identifier: MIT
// How a request lies in the ring, by the frontend's word size (xen/include/public/io/blkif.h and protocols.h). Used by BlockRing.

using System;
using System.Buffers.Binary;

namespace XenSharp.BlockBackend.Rings;

/// <summary>Offsets in one ring slot; the structures differ where a 64-bit word is aligned to four bytes.</summary>
internal sealed class RingProtocol
{
    public const int MaxSegments = 11, MaxIndirectPages = 8, MaxSlotSize = 112;

    public static readonly RingProtocol X86With64Bit = new() { SlotSize = 112, Id = 8, Sector = 16, Segments = 24, IndirectReferences = 28, DiscardCount = 24 };
    public static readonly RingProtocol X86With32Bit = new() { SlotSize = 108, Id = 4, Sector = 12, Segments = 20, IndirectReferences = 24, DiscardCount = 20 };

    public int SlotSize { get; private init; }

    private int Id { get; init; }

    private int Sector { get; init; }

    private int Segments { get; init; }

    private int IndirectReferences { get; init; }

    private int DiscardCount { get; init; }

    /// <summary>The protocol that a frontend names in xenstore; null when it is not known.</summary>
    public static RingProtocol? Named(string? name) => name switch
    {
        null or "x86_64-abi" => X86With64Bit,
        "x86_32-abi" => X86With32Bit,
        _ => null,
    };

    /// <summary>Reads a request from a copy of its slot. Counts and operation are still the guest's word; RequestBatch checks them.</summary>
    public BlockRequest Parse(ReadOnlySpan<byte> slot)
    {
        var request = new BlockRequest
        {
            Operation = (BlockOperation)slot[0],
            Id = BinaryPrimitives.ReadUInt64LittleEndian(slot[Id..]),
            Sector = BinaryPrimitives.ReadUInt64LittleEndian(slot[Sector..]),
        };
        switch (request.Operation)
        {
            case BlockOperation.Discard:
                request.SectorCount = BinaryPrimitives.ReadUInt64LittleEndian(slot[DiscardCount..]);
                break;
            case BlockOperation.Indirect:
                request.IsIndirect = true;
                request.Operation = (BlockOperation)slot[1];
                request.SegmentCount = BinaryPrimitives.ReadUInt16LittleEndian(slot[2..]);
                for (int i = 0; i < MaxIndirectPages; i++)
                    request.Indirect[i] = BinaryPrimitives.ReadUInt32LittleEndian(slot[(IndirectReferences + (4 * i))..]);
                return request;
            default:
                request.SegmentCount = slot[1];
                for (int i = 0; i < Math.Min(request.SegmentCount, MaxSegments); i++)
                    request.Segments[i] = BlockSegment.Parse(slot[(Segments + (BlockSegment.Size * i))..]);
                break;
        }

        return request;
    }

    /// <summary>
    /// Writes a response into the start of a slot; returns its length. An indirect request is answered with the operation inside it, which
    /// is what Linux's frontend compares.
    /// </summary>
    public int WriteResponse(Span<byte> slot, in BlockRequest request, short status)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(slot, request.Id);
        slot[8] = (byte)request.Operation;
        slot[9] = 0;
        BinaryPrimitives.WriteInt16LittleEndian(slot[10..], status);
        return 12;
    }
}
