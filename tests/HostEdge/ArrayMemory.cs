// SPDX-License-Identifier: MIT
// The machine's memory in arrays, one per frame, made at the first touch.

using System;
using System.Runtime.CompilerServices;
using Real = System.Threading;

namespace XenSharp.Edge;

/// <summary>Faults as the contract says; also on words that are not aligned, which bare metal would let pass.</summary>
public sealed class ArrayMemory(ulong frameLimit) : PhysicalMemory
{
    private readonly byte[]?[] _frames = new byte[frameLimit][];

    public override ulong FrameLimit { get; } = frameLimit;

    /// <summary>A frame's bytes, for tests that look at memory directly.</summary>
    public byte[] Bytes(Mfn frame)
    {
        if (frame.Value >= FrameLimit)
            throw new IndexOutOfRangeException("frame 0x" + frame.Value.ToString("x") + " is beyond the machine's memory");
        byte[]? bytes = Real.Volatile.Read(ref _frames[frame.Value]);
        if (bytes != null)
            return bytes;
        Real.Interlocked.CompareExchange(ref _frames[frame.Value], new byte[FrameSize.Bytes], null);
        return _frames[frame.Value]!;
    }

    public override byte Read8(Mfn frame, int offset)
    {
        SwitchPoint.Reached();
        return Real.Volatile.Read(ref At<byte>(frame, offset));
    }

    public override uint Read32(Mfn frame, int offset)
    {
        SwitchPoint.Reached();
        return Real.Volatile.Read(ref At<uint>(frame, offset));
    }

    public override ulong Read64(Mfn frame, int offset)
    {
        SwitchPoint.Reached();
        return Real.Volatile.Read(ref At<ulong>(frame, offset));
    }

    public override ulong Read64(ulong address) => Read64(Mfn.Containing(address), (int)(address & FrameSize.Mask));

    public override void Write8(Mfn frame, int offset, byte value)
    {
        SwitchPoint.Reached();
        Real.Volatile.Write(ref At<byte>(frame, offset), value);
    }

    public override void Write32(Mfn frame, int offset, uint value)
    {
        SwitchPoint.Reached();
        Real.Volatile.Write(ref At<uint>(frame, offset), value);
    }

    public override void Write64(Mfn frame, int offset, ulong value)
    {
        SwitchPoint.Reached();
        Real.Volatile.Write(ref At<ulong>(frame, offset), value);
    }

    public override uint CompareExchange32(Mfn frame, int offset, uint value, uint comparand)
    {
        SwitchPoint.Reached();
        return Real.Interlocked.CompareExchange(ref At<uint>(frame, offset), value, comparand);
    }

    public override ulong CompareExchange64(Mfn frame, int offset, ulong value, ulong comparand)
    {
        SwitchPoint.Reached();
        return Real.Interlocked.CompareExchange(ref At<ulong>(frame, offset), value, comparand);
    }

    public override byte Exchange8(Mfn frame, int offset, byte value)
    {
        SwitchPoint.Reached();
        return Real.Interlocked.Exchange(ref At<byte>(frame, offset), value);
    }

    public override bool TestAndSetBit(Mfn frame, int bit)
    {
        SwitchPoint.Reached();
        uint mask = 1u << (bit & 31);
        return (Real.Interlocked.Or(ref Word(frame, bit), mask) & mask) != 0;
    }

    public override bool TestAndClearBit(Mfn frame, int bit)
    {
        SwitchPoint.Reached();
        uint mask = 1u << (bit & 31);
        return (Real.Interlocked.And(ref Word(frame, bit), ~mask) & mask) != 0;
    }

    public override bool TestBit(Mfn frame, int bit)
    {
        SwitchPoint.Reached();
        return (Real.Volatile.Read(ref Word(frame, bit)) & (1u << (bit & 31))) != 0;
    }

    public override void Read(Mfn frame, int offset, Span<byte> destination)
    {
        SwitchPoint.Reached();
        Bytes(frame).AsSpan(offset, destination.Length).CopyTo(destination);
    }

    public override void Write(Mfn frame, int offset, ReadOnlySpan<byte> source)
    {
        SwitchPoint.Reached();
        source.CopyTo(Bytes(frame).AsSpan(offset, source.Length));
    }

    public override void Copy(Mfn destination, int destinationOffset, Mfn source, int sourceOffset, int count)
    {
        SwitchPoint.Reached();
        Bytes(source).AsSpan(sourceOffset, count).CopyTo(Bytes(destination).AsSpan(destinationOffset, count));
    }

    public override void Clear(Mfn frame)
    {
        // What was never touched is empty; so tests may populate gigabytes.
        if (frame.Value >= FrameLimit || Real.Volatile.Read(ref _frames[frame.Value]) != null)
            Bytes(frame).AsSpan().Clear();
    }

    public override void Barrier()
    {
        SwitchPoint.Reached();
        Real.Interlocked.MemoryBarrier();
    }

    private ref uint Word(Mfn frame, int bit) => ref At<uint>(frame, (int)((uint)bit >> 5) * 4);

    private ref T At<T>(Mfn frame, int offset) where T : unmanaged
    {
        int size = Unsafe.SizeOf<T>();
        if ((uint)offset > (uint)(FrameSize.Bytes - size))
            throw new IndexOutOfRangeException("offset " + offset + " leaves the frame");
        if ((offset & (size - 1)) != 0)
            throw new InvalidOperationException("offset " + offset + " of a word of " + size + " bytes is not aligned");
        return ref Unsafe.As<byte, T>(ref Bytes(frame)[offset]);
    }
}
