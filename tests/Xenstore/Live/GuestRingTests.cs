// SPDX-License-Identifier: MIT
// The ring of a domain, with a page that the test plays the domain on. Contract: docs/misc/xenstore-ring.txt of Xen 4.17.

using System;
using System.Linq;
using XenSharp.Interop;
using XenSharp.Xenstored;
using Xunit;

namespace XenSharp.Tests.Xenstore.Live;

public sealed class GuestRingTests : IDisposable
{
    private const int RequestConsumer = 2048;
    private const int RequestProducer = 2052;
    private const int ResponseConsumer = 2056;
    private const int ResponseProducer = 2060;
    private const int Features = 2064;
    private const int ConnectionField = 2068;
    private const int ErrorField = 2072;

    private readonly SharedRegion _region = SharedRegion.Anonymous(Slot.Size);
    private readonly ArrayPage _page = new();
    private readonly Slot _slot;
    private readonly GuestRing _ring;
    private int _notified;

    public GuestRingTests()
    {
        _slot = new Slot(_region, 0);
        _slot.Clear(1, 1);
        _ring = new GuestRing(_page, () => _notified++);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(1000u)]
    [InlineData(0xFFFF_FF00u)]
    public void BytesPassAroundTheEndFromAnyIndex(uint start)
    {
        _page.Write32(RequestConsumer, start);
        _page.Write32(RequestProducer, start);
        _page.Write32(ResponseConsumer, start);
        _page.Write32(ResponseProducer, start);
        _ring.Begin(_slot);
        Assert.Equal(3u, _page.Read32(Features));
        Random random = new(3);
        byte next = 0;
        byte expected = 0;
        for (int round = 0; round < 500; round++)
        {
            int length = random.Next(1, 1025);
            for (int index = 0; index < length; index++)
                _page.Bytes[(int)((_page.Read32(RequestProducer) + (uint)index) % 1024)] = next++;
            _page.Write32(RequestProducer, _page.Read32(RequestProducer) + (uint)length);
            Assert.True(_ring.Pull(_slot));
            Assert.Equal(_page.Read32(RequestProducer), _page.Read32(RequestConsumer));
            byte[] got = _slot.Peek(0, length).ToArray();
            _slot.Take(length);
            _slot.Append(got);
            _slot.Publish();
            _ring.Push(_slot);
            uint from = _page.Read32(ResponseConsumer);
            for (uint index = from; index != _page.Read32(ResponseProducer); index++)
                Assert.Equal(expected++, _page.Bytes[1024 + (int)(index % 1024)]);
            _page.Write32(ResponseConsumer, _page.Read32(ResponseProducer));
        }
        Assert.Equal(next, expected);
        Assert.True(_notified >= 1000);
    }

    [Fact]
    public void AnImpossibleIndexEndsTheService()
    {
        _ring.Begin(_slot);
        _page.Write32(RequestProducer, 1025);
        Assert.False(_ring.Pull(_slot));
        Assert.True(_ring.IsBroken);
        Assert.Equal(2u, _page.Read32(ErrorField));
    }

    [Fact]
    public void AReconnectionEmptiesTheRing()
    {
        _ring.Begin(_slot);
        _page.Write32(RequestProducer, 5);
        _slot.Append(new byte[40]);
        _page.Write32(ConnectionField, 1);
        Assert.True(_ring.WantsReconnection);
        _ring.Reset(_slot);
        Assert.False(_ring.WantsReconnection);
        Assert.All((int[])[RequestConsumer, RequestProducer, ResponseConsumer, ResponseProducer, ConnectionField], field => Assert.Equal(0u, _page.Read32(field)));
        Assert.Equal(0, _slot.Unsent);
    }

    [Fact]
    public void TheNextDaemonSetsTheIndexesFromTheSlot()
    {
        _ring.Begin(_slot);
        _page.Write32(RequestProducer, 100);
        _ring.Pull(_slot);
        _slot.Take(60);
        _slot.Append(Enumerable.Repeat((byte)7, 30).ToArray());
        _slot.Publish();
        _ring.Push(_slot);
        // Killed after the slot knew and before the ring did.
        _page.Write32(RequestConsumer, 0);
        _page.Write32(ResponseProducer, 0);
        Slot next = new(_region, 0);
        next.Restore(null);
        new GuestRing(_page, () => { }).Continue(next);
        Assert.Equal(100u, _page.Read32(RequestConsumer));
        Assert.Equal(30u, _page.Read32(ResponseProducer));
        Assert.Equal(40, next.Waiting);
        Assert.Equal(0, next.Unsent);
    }

    [Fact]
    public void AJournaledPositionCountsIfItIsAhead()
    {
        _slot.AddReceived(new byte[50]);
        _slot.Take(20);
        _slot.Append(new byte[10]);
        ulong journaled = _slot.Position;
        Slot next = new(_region, 0);
        next.Restore(journaled);
        Assert.Equal(journaled, next.Position);
        next.Take(10);
        next.Publish();
        Slot later = new(_region, 0);
        later.Restore(journaled);
        Assert.Equal(next.Position, later.Position);
    }

    public void Dispose() => _region.Dispose();

    private sealed class ArrayPage : SharedPages
    {
        public byte[] Bytes { get; } = new byte[PageSize];

        public override int Length => Bytes.Length;

        public override uint Read32(int offset) => BitConverter.ToUInt32(Bytes, offset);

        public override void Write32(int offset, uint value) => BitConverter.TryWriteBytes(Bytes.AsSpan(offset), value);

        public override void Read(int offset, Span<byte> target) => Bytes.AsSpan(offset, target.Length).CopyTo(target);

        public override void Write(int offset, ReadOnlySpan<byte> source) => source.CopyTo(Bytes.AsSpan(offset));
    }
}
