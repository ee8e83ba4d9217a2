// SPDX-License-Identifier: MIT
// A guest kernel's side of the FIFO format with atomic operations, so that it runs beside the hypervisor.

using System;
using System.Collections.Generic;
using System.Numerics;
using XenSharp.Edge;
using XenSharp.Testing;
using XenSharp.Tests.Unit.EventChannels;
using Xunit;

namespace XenSharp.Tests.Simulation;

/// <summary>Follows the rules for guests in xen/include/public/event_channel.h.</summary>
internal sealed class SharedFifo
{
    private const uint Pending = 1u << 31, Masked = 1u << 30, Linked = 1u << 29, LinkMask = 0x1ffff;

    private readonly TestDomain _guest;
    private readonly List<Mfn> _array = [];
    private readonly Mfn[] _control;
    private readonly uint[,] _heads;

    public SharedFifo(TestDomain guest, int arrayPages)
    {
        _guest = guest;
        int vcpus = guest.Domain.Vcpus.Length;
        _control = new Mfn[vcpus];
        _heads = new uint[vcpus, 16];
        for (int i = 0; i < vcpus; i++)
        {
            ulong page = guest.TakePages();
            Assert.Equal(0, guest.InitControl(page, 0, (uint)i, out _));
            _control[i] = guest.Frame(page);
        }

        for (int i = 0; i < arrayPages; i++)
        {
            ulong page = guest.TakePages();
            Assert.Equal(0, guest.ExpandArray(page));
            AddPage(page);
        }
    }

    private PhysicalMemory Memory => _guest.Machine.Memory;

    /// <summary>A page that the test itself has given to the hypervisor.</summary>
    public void AddPage(ulong page) => _array.Add(_guest.Frame(page));

    public void ConsumeWhile(int vcpu, Func<bool> condition, Action<uint> deliver)
    {
        while (condition())
        {
            Consume(vcpu, deliver);
            SwitchPoint.Spinning();
        }
    }

    public void Consume(int vcpu, Action<uint> deliver)
    {
        uint ready = TakeReady(vcpu);
        while (ready != 0)
        {
            int priority = BitOperations.TrailingZeroCount(ready);
            ConsumeOne(vcpu, priority, ref ready, deliver);
            ready |= TakeReady(vcpu);
        }
    }

    private uint TakeReady(int vcpu)
    {
        while (true)
        {
            uint ready = Memory.Read32(_control[vcpu], 0);
            if (Memory.CompareExchange32(_control[vcpu], 0, 0, ready) == ready)
                return ready;
        }
    }

    private void ConsumeOne(int vcpu, int priority, ref uint ready, Action<uint> deliver)
    {
        uint port = _heads[vcpu, priority];
        if (port == 0)
            port = Memory.Read32(_control[vcpu], 8 + (priority * 4));
        Mfn frame = _array[(int)(port / 1024)];
        int offset = (int)(port % 1024) * 4;

        uint next = ClearLinked(frame, offset);
        if (next == 0)
            ready &= ~(1u << priority);
        _heads[vcpu, priority] = next;
        int firstBit = offset * 8;
        if (!Memory.TestBit(frame, firstBit + 31) || Memory.TestBit(frame, firstBit + 30))
            return;
        if (Memory.TestAndClearBit(frame, firstBit + 31))
            deliver(port);
    }

    private uint ClearLinked(Mfn frame, int offset)
    {
        while (true)
        {
            uint word = Memory.Read32(frame, offset);
            if (Memory.CompareExchange32(frame, offset, word & ~(Linked | LinkMask), word) == word)
                return word & LinkMask;
        }
    }
}
