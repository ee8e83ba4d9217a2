// SPDX-License-Identifier: MIT
// The buddy allocator: blocks never overlap, joined blocks come back whole, and memory up to 16 TiB is taken piece by piece.

using System;
using System.Collections.Generic;
using XenSharp.Core.Memory;
using XenSharp.Edge;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Unit.Frames;

public class FrameAllocatorTests
{
    private const ulong FramesPerGib = 1UL << 18;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void RandomBlocksNeverOverlapAndAllComeBack(int seed)
    {
        TestHost machine = new(frames: 1 << 16);
        FrameAllocator allocator = machine.Host.Allocator;
        Processor cpu = machine.Cpu();
        Random random = new(seed);
        ulong before = allocator.FreePages;
        List<(ulong Start, int Order)> held = [];
        HashSet<ulong> taken = [];
        for (int step = 0; step < 4000; step++)
        {
            int order = random.Next(8);
            if (random.Next(3) != 0 && allocator.TryAllocate(order, cpu, out Mfn frame))
            {
                Assert.Equal(0UL, frame.Value & ((1UL << order) - 1));
                for (ulong i = 0; i < 1UL << order; i++)
                    Assert.True(taken.Add(frame.Value + i), "a frame was given out twice");
                held.Add((frame.Value, order));
            }
            else if (held.Count > 0)
            {
                int index = random.Next(held.Count);
                Give(held[index]);
                held.RemoveAt(index);
            }
        }

        held.ForEach(Give);
        Assert.Equal(before, allocator.FreePages);
        Assert.True(allocator.TryAllocate(14, cpu, out _), "the freed blocks have not been joined");

        void Give((ulong Start, int Order) block)
        {
            for (ulong i = 0; i < 1UL << block.Order; i++)
                taken.Remove(block.Start + i);
            allocator.Free(new Mfn(block.Start), block.Order, cpu);
        }
    }

    [Theory]
    [InlineData(16UL << 10)]
    [InlineData(1UL << 10)]
    public void MachinesOfManyTerabytesAreServedFromTheirTop(ulong gibibytes)
    {
        SparseFrameTable table = new(gibibytes * FramesPerGib);
        FrameAllocator allocator = new(table);
        Processor cpu = new TestHost().Cpu();
        allocator.AddRange(new Mfn(256), table.FrameLimit - 256);
        Assert.Equal(table.FrameLimit - 256, allocator.FreePages);
        foreach (int order in new[] { 18, 9, 0, 18 })
        {
            Assert.True(allocator.TryAllocate(order, cpu, out Mfn frame));
            Assert.Equal(0UL, frame.Value & ((1UL << order) - 1));
            Assert.True(frame.Value + (1UL << order) <= table.FrameLimit);
        }

        // Two blocks of 1 GiB and what lies beside them: far from one record for each of the machine's frames.
        Assert.True(table.PiecesTouched <= 64, $"{table.PiecesTouched} pieces were touched");
    }

    [Fact]
    public void AMachineWithoutMemoryLeftSaysSo()
    {
        TestHost machine = new(frames: 512);
        Processor cpu = machine.Cpu();
        while (machine.Host.Allocator.TryAllocate(0, cpu, out _))
        {
        }

        Assert.Equal(0UL, machine.Host.Allocator.FreePages);
        Assert.False(machine.Host.Allocator.TryAllocate(0, cpu, out Mfn none));
        Assert.False(none.IsValid);
        Assert.False(machine.Host.Allocator.TryAllocate(19, cpu, out _));
    }

    // Records exist from their first use on, in pieces of 128 MiB, and hold noise before, as memory of a real machine does.
    private sealed class SparseFrameTable(ulong frameLimit) : FrameTable
    {
        private const int PieceShift = 15;
        private readonly Dictionary<ulong, FrameInfo[]> _pieces = [];

        public int PiecesTouched => _pieces.Count;

        public override ulong FrameLimit { get; } = frameLimit;

        public override ref FrameInfo this[Mfn frame]
        {
            get
            {
                Assert.True(frame.Value < FrameLimit);
                if (!_pieces.TryGetValue(frame.Value >> PieceShift, out FrameInfo[]? piece))
                {
                    piece = new FrameInfo[1 << PieceShift];
                    Array.Fill(piece, new FrameInfo { Next = 7, Previous = 7, References = -3, Owner = 9, State = FrameState.Free, Order = 3 });
                    _pieces.Add(frame.Value >> PieceShift, piece);
                }

                return ref piece[frame.Value & ((1 << PieceShift) - 1)];
            }
        }
    }
}
