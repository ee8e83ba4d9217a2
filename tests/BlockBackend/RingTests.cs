// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using XenSharp.BlockBackend.Images;
using XenSharp.BlockBackend.Rings;
using Xunit;

namespace XenSharp.Tests.BlockBackend;

public sealed class RingTests : IDisposable
{
    private const short Okay = 0, Error = -1, NotSupported = -2;
    private const long DiskBytes = 1 << 20;
    private readonly string _path = Path.GetTempFileName();
    private readonly RawImage _image;
    private readonly FakeFrontend _frontend;

    public RingTests()
    {
        byte[] content = new byte[DiskBytes];
        new Random(1).NextBytes(content);
        File.WriteAllBytes(_path, content);
        _image = new RawImage(_path, readOnly: false);
        _frontend = new FakeFrontend(_image);
    }

    public void Dispose()
    {
        _image.Dispose();
        File.Delete(_path);
    }

    [Fact]
    public void ReadsAndWritesReachTheRightSectors()
    {
        byte[] page = _frontend.Grant(3);
        new Random(2).NextBytes(page);
        byte[] written = page[512..2048];
        _frontend.Send(BlockOperation.Write, 1, 10, (3, 1, 3));
        byte[] back = _frontend.Grant(4);
        _frontend.Send(BlockOperation.Read, 2, 9, (4, 0, 7));
        Assert.Equal([(1UL, (byte)1, Okay), (2UL, (byte)0, Okay)], _frontend.Serve());
        Assert.Equal(written, back[512..2048]);
        Assert.Equal(File.ReadAllBytes(_path)[(9 * 512)..(17 * 512)], back);
    }

    [Fact]
    public void AFullRingTakesTwoCallsForItsGrants()
    {
        for (uint i = 0; i < _frontend.Ring.Slots; i++)
        {
            _frontend.Grant(i);
            _frontend.Send(BlockOperation.Read, i, i * 8, (i, 0, 7));
        }

        Assert.All(_frontend.Serve(), answer => Assert.Equal(Okay, answer.Status));
        Assert.Equal(1, _frontend.Link.Calls);
    }

    [Fact]
    public void IndirectRequestsCarryManySegments()
    {
        byte[] list = _frontend.Grant(100);
        for (uint i = 0; i < 32; i++)
        {
            _frontend.Grant(200 + i);
            FakeFrontend.WriteSegment(list.AsSpan((int)i * 8), (200 + i, 0, 7));
        }

        _frontend.Send(Indirect(BlockOperation.Read, 32, 0, 100));
        Assert.Equal([(5UL, (byte)BlockOperation.Read, Okay)], _frontend.Serve());
        byte[] all = Enumerable.Range(200, 32).SelectMany(i => _frontend.Pages[(uint)i]).ToArray();
        Assert.Equal(File.ReadAllBytes(_path)[..(32 * 4096)], all);
    }

    [Theory]
    [InlineData(0, 0, 7, 2047, Error)] // leaves the disk by seven sectors
    [InlineData(0, 5, 4, 0, Error)] // runs backwards
    [InlineData(0, 0, 8, 0, Error)] // leaves the page
    [InlineData(0, 0, 7, ulong.MaxValue, Error)] // wraps
    [InlineData(99, 0, 7, 0, Error)] // no such grant
    [InlineData(0, 0, 7, 2040, Okay)] // the last page
    public void SegmentsAreChecked(uint reference, byte first, byte last, ulong sector, short status)
    {
        _frontend.Grant(0);
        _frontend.Send(BlockOperation.Read, 1, sector, (reference, first, last));
        _frontend.Send(BlockOperation.Read, 2, 0, (0, 0, 7));
        Assert.Equal([status, Okay], _frontend.Serve().Select(answer => answer.Status));
    }

    [Fact]
    public void UnknownOperationsAndCountsAreAnswered()
    {
        _frontend.Grant(0);
        _frontend.Send((BlockOperation)77, 1, 0, (0, 0, 7));
        _frontend.Send(BlockOperation.Read, 2, 0);
        _frontend.Send(BlockOperation.Read, 3, 0, new (uint, byte, byte)[12]);
        _frontend.Send(Indirect(BlockOperation.Read, 257, 0, 0));
        _frontend.Send(Indirect(BlockOperation.Indirect, 1, 0, 0));
        _frontend.Send(BlockOperation.FlushDiskCache, 6, 0);
        Assert.Equal([NotSupported, Error, Error, Error, NotSupported, Okay], _frontend.Serve().Select(answer => answer.Status));
    }

    [Fact]
    public void TooManyRequestsCutTheFrontendOff()
    {
        _frontend.Memory.Write32(0, _frontend.Ring.Slots + 1);
        Assert.Throws<InvalidDataException>(() => _frontend.Ring.Waiting());
    }

    [Fact]
    public void NoBytesInTheRingBreakTheBackend()
    {
        var random = new Random(3);
        for (uint i = 0; i < 16; i++)
            _frontend.Grant(i);
        byte[] slot = new byte[112];
        for (int round = 0; round < 20_000; round++)
        {
            random.NextBytes(slot);
            slot[0] %= 8;
            slot[1] %= 14;
            if (random.Next(2) == 0)
                slot.AsSpan(16, 8).Clear();
            for (int i = 24; i < 112; i += 8)
                FakeFrontend.WriteSegment(slot.AsSpan(i), ((uint)random.Next(20), (byte)random.Next(9), (byte)random.Next(9)));
            _frontend.Send(slot);
            List<(ulong Id, byte Operation, short Status)> answers = _frontend.Serve();
            Assert.Single(answers);
            Assert.Equal(slot[slot[0] == (byte)BlockOperation.Indirect ? 1 : 0], answers[0].Operation);
        }

        Assert.Equal(DiskBytes, new FileInfo(_path).Length);
    }

    private static byte[] Indirect(BlockOperation operation, ushort count, ulong sector, uint reference)
    {
        byte[] request = new byte[112];
        request[0] = (byte)BlockOperation.Indirect;
        request[1] = (byte)operation;
        BitConverter.TryWriteBytes(request.AsSpan(2), count);
        request[8] = 5;
        BitConverter.TryWriteBytes(request.AsSpan(16), sector);
        for (int i = 0; i < 8; i++)
            BitConverter.TryWriteBytes(request.AsSpan(28 + (4 * i)), reference);
        return request;
    }
}
