// SPDX-License-Identifier: MIT
// A frontend in plain memory: its ring, its granted pages, and mischief.

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using XenSharp.BlockBackend.Images;
using XenSharp.BlockBackend.Rings;

using XenSharp.Interop;
using Xunit;

namespace XenSharp.Tests.BlockBackend;

/// <summary>A 64-bit frontend with one ring page; grant N is page N of <see cref="Pages"/>.</summary>
internal sealed class FakeFrontend
{
    private const int Slot = 112, Header = 64;
    private readonly MemoryRing _memory = new(4096);
    private readonly RequestBatch _batch;
    private uint _produced;
    private uint _seen;

    public FakeFrontend(DiskImage image)
    {
        Link = new MemoryLink(this);
        Ring = new BlockRing(_memory, RingProtocol.X86With64Bit);
        _batch = new RequestBatch(image, Link, 7, Complaints.Add);
    }

    public Dictionary<uint, byte[]> Pages { get; } = [];

    public List<string> Complaints { get; } = [];

    public MemoryLink Link { get; }

    public BlockRing Ring { get; }

    public MemoryRing Memory => _memory;

    public byte[] Grant(uint reference) => Pages[reference] = new byte[4096];

    /// <summary>Puts raw bytes into the next slot.</summary>
    public void Send(ReadOnlySpan<byte> request)
    {
        request.CopyTo(_memory.Bytes.AsSpan(Header + ((int)(_produced % Ring.Slots) * Slot), Slot));
        _produced++;
        _memory.Write32(0, _produced);
    }

    public void Send(BlockOperation operation, ulong id, ulong sector, params (uint Reference, byte First, byte Last)[] segments)
    {
        byte[] request = new byte[Slot];
        request[0] = (byte)operation;
        request[1] = (byte)segments.Length;
        BinaryPrimitives.WriteUInt64LittleEndian(request.AsSpan(8), id);
        BinaryPrimitives.WriteUInt64LittleEndian(request.AsSpan(16), sector);
        for (int i = 0; i < Math.Min(segments.Length, 11); i++)
            WriteSegment(request.AsSpan(24 + (8 * i)), segments[i]);
        Send(request);
    }

    public static void WriteSegment(Span<byte> target, (uint Reference, byte First, byte Last) segment)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target, segment.Reference);
        target[4] = segment.First;
        target[5] = segment.Last;
    }

    /// <summary>Lets the backend serve everything, and returns the new responses.</summary>
    public List<(ulong Id, byte Operation, short Status)> Serve()
    {
        for (uint waiting = Ring.Waiting(); waiting > 0; waiting = Ring.Waiting())
        {
            for (; waiting > 0 && _batch.HasRoom; waiting--)
                _batch.Add(Ring.Take());
            _batch.Execute(Ring);
            Ring.Publish();
        }

        var responses = new List<(ulong, byte, short)>();
        for (; _seen != _memory.Read32(8); _seen++)
        {
            ReadOnlySpan<byte> slot = _memory.Bytes.AsSpan(Header + ((int)(_seen % Ring.Slots) * Slot), Slot);
            responses.Add((BinaryPrimitives.ReadUInt64LittleEndian(slot), slot[8], BinaryPrimitives.ReadInt16LittleEndian(slot[10..])));
        }

        return responses;
    }
}

internal sealed class MemoryRing(int size) : SharedPages
{
    public byte[] Bytes { get; } = new byte[size];

    public override int Length => Bytes.Length;

    public override uint Read32(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(Bytes.AsSpan(offset));

    public override void Write32(int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Bytes.AsSpan(offset), value);

    public override void Read(int offset, Span<byte> destination) => Bytes.AsSpan(offset, destination.Length).CopyTo(destination);

    public override void Write(int offset, ReadOnlySpan<byte> source) => source.CopyTo(Bytes.AsSpan(offset));
}

internal sealed class MemoryLink(FakeFrontend frontend) : FrontendLink
{
    private const short BadGrant = -3;

    public int Calls { get; private set; }

    public override void Copy(Span<GrantCopySegment> segments, Span<byte> buffer)
    {
        Calls++;
        foreach (ref GrantCopySegment segment in segments)
        {
            Assert.True(segment.PageOffset + segment.Length <= 4096);
            Span<byte> local = buffer.Slice(segment.BufferOffset, segment.Length);
            if (!frontend.Pages.TryGetValue(segment.Reference, out byte[]? page))
                segment.Status = BadGrant;
            else if (segment.ToGuest)
                local.CopyTo(page.AsSpan(segment.PageOffset));
            else
                page.AsSpan(segment.PageOffset, segment.Length).CopyTo(local);
        }
    }

    public override void Notify()
    {
    }
}
