// SPDX-License-Identifier: MIT
// Carries out requests, many at a time: grants are copied by one call for all, and the image is read or written by one call a request.
// Used by one queue's thread.

using System;
using System.IO;
using XenSharp.BlockBackend.Images;
using XenSharp.Interop;

namespace XenSharp.BlockBackend.Rings;

/// <summary>Fill with <see cref="Add"/>, then <see cref="Execute"/>. Nothing in it is guest memory: a frontend cannot change what has been checked.</summary>
internal sealed class RequestBatch
{
    public const int MaxIndirectSegments = 256;

    private const int PageSize = GrantDevice.PageSize;
    private const int MaxRequests = 64;
    private const int BufferSize = 4 << 20;
    private const short Okay = 0, Error = -1, NotSupported = -2;

    private readonly DiskImage _image;
    private readonly FrontendLink _link;
    private readonly ushort _domain;
    private readonly Action<string> _complain;
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferSize, pinned: true);
    private readonly byte[] _indirect = GC.AllocateUninitializedArray<byte>(RingProtocol.MaxIndirectPages * PageSize, pinned: true);
    private readonly BlockSegment[] _segments = new BlockSegment[MaxIndirectSegments];
    private readonly GrantCopySegment[] _copies = new GrantCopySegment[BufferSize / DiskImage.SectorSize];
    private readonly Work[] _works = new Work[MaxRequests];
    private int _count;
    private int _bufferUsed;
    private int _copyCount;

    public RequestBatch(DiskImage image, FrontendLink link, ushort domain, Action<string> complain)
    {
        _image = image;
        _link = link;
        _domain = domain;
        _complain = complain;
    }

    /// <summary>One more request of any legal size fits.</summary>
    public bool HasRoom => _count < MaxRequests && BufferSize - _bufferUsed >= MaxIndirectSegments * PageSize;

    /// <summary>Checks the request and plans its copies. A bad one is planned as an error answer.</summary>
    public void Add(in BlockRequest request)
    {
        ref Work work = ref _works[_count++];
        work = new Work { Request = request, BufferStart = _bufferUsed, CopyStart = _copyCount, Status = Plan(request) };
        work.Bytes = work.Status == Okay ? _bufferUsed - work.BufferStart : 0;
        if (work.Status != Okay)
        {
            _bufferUsed = work.BufferStart;
            _copyCount = work.CopyStart;
        }

        work.CopyCount = _copyCount - work.CopyStart;
    }

    /// <summary>Does everything that was added, and answers it in the ring.</summary>
    public void Execute(BlockRing ring)
    {
        CopyAll(BlockOperation.Write);
        for (int i = 0; i < _count; i++)
            Perform(ref _works[i]);
        CopyAll(BlockOperation.Read);
        for (int i = 0; i < _count; i++)
            ring.Answer(_works[i].Request, _works[i].Status);
        _count = _bufferUsed = _copyCount = 0;
    }

    private short Plan(in BlockRequest request)
    {
        switch (request.Operation)
        {
            case BlockOperation.Read:
            case BlockOperation.Write:
                return PlanTransfer(request);
            case BlockOperation.FlushDiskCache:
                return request.IsIndirect ? Error : Okay;
            case BlockOperation.Discard:
                return !request.IsIndirect && IsOnDisk(request.Sector, request.SectorCount) && !_image.IsReadOnly ? Okay : Error;
            default:
                return NotSupported;
        }
    }

    private short PlanTransfer(in BlockRequest request)
    {
        int limit = request.IsIndirect ? MaxIndirectSegments : RingProtocol.MaxSegments;
        if (request.SegmentCount == 0 || request.SegmentCount > limit || (request.Operation == BlockOperation.Write && _image.IsReadOnly))
            return Error;
        if (!TryGetSegments(request, out ReadOnlySpan<BlockSegment> segments))
            return Error;
        ulong sectors = 0;
        foreach (BlockSegment segment in segments)
        {
            if (!segment.IsValid)
                return Error;
            sectors += (ulong)segment.Sectors;
        }

        if (!IsOnDisk(request.Sector, sectors))
            return Error;
        foreach (BlockSegment segment in segments)
        {
            ref GrantCopySegment copy = ref _copies[_copyCount++];
            copy = new GrantCopySegment
            {
                BufferOffset = _bufferUsed,
                Reference = segment.Reference,
                Domain = _domain,
                PageOffset = (ushort)(segment.First * DiskImage.SectorSize),
                Length = (ushort)(segment.Sectors * DiskImage.SectorSize),
                ToGuest = request.Operation == BlockOperation.Read,
            };
            _bufferUsed += copy.Length;
        }

        return Okay;
    }

    // Segments of an indirect request stand in pages of their own, which are copied once, here.
    private bool TryGetSegments(in BlockRequest request, out ReadOnlySpan<BlockSegment> segments)
    {
        int count = request.SegmentCount;
        segments = _segments.AsSpan(0, count);
        if (!request.IsIndirect)
        {
            ((ReadOnlySpan<BlockSegment>)request.Segments)[..count].CopyTo(_segments);
            return true;
        }

        int pages = ((count * BlockSegment.Size) + PageSize - 1) / PageSize;
        Span<GrantCopySegment> copies = stackalloc GrantCopySegment[RingProtocol.MaxIndirectPages];
        for (int i = 0; i < pages; i++)
        {
            int length = Math.Min(PageSize, (count * BlockSegment.Size) - (i * PageSize));
            copies[i] = new GrantCopySegment { BufferOffset = i * PageSize, Reference = request.Indirect[i], Domain = _domain, Length = (ushort)length };
        }

        _link.Copy(copies[..pages], _indirect);
        for (int i = 0; i < pages; i++)
        {
            if (copies[i].Status != 0)
                return Complain($"the grant {copies[i].Reference} of an indirect request cannot be read (status {copies[i].Status})");
        }

        for (int i = 0; i < count; i++)
            _segments[i] = BlockSegment.Parse(_indirect.AsSpan(i * BlockSegment.Size));
        return true;
    }

    private bool IsOnDisk(ulong sector, ulong count)
    {
        ulong capacity = (ulong)_image.Length / DiskImage.SectorSize;
        return sector <= capacity && count <= capacity - sector;
    }

    // One call for all requests of the batch that go this way; a failed piece fails its own request only.
    private void CopyAll(BlockOperation operation)
    {
        for (int i = 0; i < _count;)
        {
            if (!_works[i].Transfers(operation))
            {
                i++;
                continue;
            }

            int end = i;
            while (end + 1 < _count && _works[end + 1].Transfers(operation))
                end++;
            int start = _works[i].CopyStart, stop = _works[end].CopyStart + _works[end].CopyCount;
            _link.Copy(_copies.AsSpan(start, stop - start), _buffer);
            i = end + 1;
        }

        for (int i = 0; i < _count; i++)
        {
            ref Work work = ref _works[i];
            for (int j = 0; work.Transfers(operation) && j < work.CopyCount; j++)
            {
                ref GrantCopySegment copy = ref _copies[work.CopyStart + j];
                if (copy.Status != 0)
                    work.Status = Fail($"the grant {copy.Reference} cannot be {(operation == BlockOperation.Read ? "written" : "read")} (status {copy.Status})");
            }
        }
    }

    private void Perform(ref Work work)
    {
        if (work.Status != Okay)
            return;
        long offset = (long)work.Request.Sector * DiskImage.SectorSize;
        Span<byte> data = _buffer.AsSpan(work.BufferStart, work.Bytes);
        try
        {
            switch (work.Request.Operation)
            {
                case BlockOperation.Read:
                    _image.Read(offset, data);
                    break;
                case BlockOperation.Write:
                    _image.Write(offset, data);
                    break;
                case BlockOperation.FlushDiskCache:
                    _image.Flush();
                    break;
                case BlockOperation.Discard:
                    _image.Discard(offset, (long)work.Request.SectorCount * DiskImage.SectorSize);
                    break;
            }
        }
        catch (Exception fault) when (fault is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            work.Status = Fail(fault.Message);
        }
    }

    private short Fail(string what)
    {
        Complain(what);
        return Error;
    }

    private bool Complain(string what)
    {
        _complain(what);
        return false;
    }

    private struct Work
    {
        public BlockRequest Request;
        public int BufferStart;
        public int Bytes;
        public int CopyStart;
        public int CopyCount;
        public short Status;

        public readonly bool Transfers(BlockOperation operation) => Status == Okay && CopyCount > 0 && Request.Operation == operation;
    }
}
