// SPDX-License-Identifier: MIT
// The guest's side of the FIFO format, as a kernel does it: takes events off the queues of one vCPU.

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Unit.EventChannels;

/// <summary>Written from xen/include/public/event_channel.h and the FIFO design, not from the hypervisor's sources.</summary>
internal sealed class FifoGuest
{
    public const uint Pending = 1u << 31, Masked = 1u << 30, Linked = 1u << 29, Busy = 1u << 28, LinkMask = 0x1ffff;

    private readonly TestDomain _guest;
    private readonly List<ulong> _arrayPages = [];
    private readonly ulong[] _controlPages;
    private readonly uint[,] _heads;

    public FifoGuest(TestDomain guest, int vcpus, int arrayPages)
    {
        _guest = guest;
        _controlPages = new ulong[vcpus];
        _heads = new uint[vcpus, 16];
        for (int i = 0; i < vcpus; i++)
        {
            _controlPages[i] = guest.TakePages();
            Assert.Equal(0, guest.InitControl(_controlPages[i], ControlOffset, (uint)i, out byte linkBits));
            Assert.Equal(17, linkBits);
        }

        for (int i = 0; i < arrayPages; i++)
            AddPage();
    }

    /// <summary>Not at the start of the page, so that the offset counts.</summary>
    public const uint ControlOffset = 512;

    public int Words => _arrayPages.Count * 1024;

    public void AddPage()
    {
        ulong page = _guest.TakePages();
        Assert.Equal(0, _guest.ExpandArray(page));
        _arrayPages.Add(page);
    }

    public uint Word(uint port) => BinaryPrimitives.ReadUInt32LittleEndian(WordBytes(port));

    public void SetWord(uint port, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(WordBytes(port), value);

    public uint Ready(int vcpu) => BinaryPrimitives.ReadUInt32LittleEndian(Control(vcpu));

    public uint Head(int vcpu, int priority) => BinaryPrimitives.ReadUInt32LittleEndian(Control(vcpu).Slice(8 + (priority * 4)));

    /// <summary>Takes all events off the queues of a vCPU in the order of delivery; masked ones are taken off and stay pending.</summary>
    public List<uint> Consume(int vcpu)
    {
        List<uint> delivered = [];
        uint ready = Ready(vcpu);
        BinaryPrimitives.WriteUInt32LittleEndian(Control(vcpu), 0);
        while (ready != 0)
        {
            int priority = System.Numerics.BitOperations.TrailingZeroCount(ready);
            ConsumeOne(vcpu, priority, ref ready, delivered);
            ready |= Ready(vcpu);
            BinaryPrimitives.WriteUInt32LittleEndian(Control(vcpu), 0);
        }

        return delivered;
    }

    private void ConsumeOne(int vcpu, int priority, ref uint ready, List<uint> delivered)
    {
        uint head = _heads[vcpu, priority];
        if (head == 0)
            head = Head(vcpu, priority);
        Assert.NotEqual(0u, head);
        uint word = Word(head);
        Assert.True((word & Linked) != 0, "port " + head + " is on a queue without being linked");
        uint next = word & LinkMask;
        word &= ~(Linked | LinkMask);
        SetWord(head, word);
        if (next == 0)
            ready &= ~(1u << priority);
        _heads[vcpu, priority] = next;
        if ((word & Pending) == 0 || (word & Masked) != 0)
            return;
        SetWord(head, word & ~Pending);
        delivered.Add(head);
    }

    private Span<byte> Control(int vcpu) => _guest.Page(_controlPages[vcpu]).Slice((int)ControlOffset, 72);

    private Span<byte> WordBytes(uint port) => _guest.Page(_arrayPages[(int)(port / 1024)]).Slice((int)(port % 1024) * 4, 4);
}
