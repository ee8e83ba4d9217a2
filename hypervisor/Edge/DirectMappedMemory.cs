// SPDX-License-Identifier: MIT
// PhysicalMemory on bare metal: loads and stores through the direct map.

using System;
using System.Runtime.CompilerServices;
using System.Threading;
using Internal.Runtime.CompilerHelpers;

namespace XenSharp.Edge;

/// <summary>Machine memory through the direct map; the map covers every frame below the limit.</summary>
// SAFETY: At() proves that the frame is mapped and that the access stays inside it, Read64 of an address that it lies below the end of the map; the memory may be changed by guests at any time,
// so words are accessed once, by volatile or locked instructions.
public sealed unsafe class DirectMappedMemory(ulong frameLimit) : PhysicalMemory
{
    private readonly ulong _end = frameLimit << FrameSize.Shift;

    public override ulong FrameLimit { get; } = frameLimit;

    public override byte Read8(Mfn frame, int offset) => Volatile.Read(ref *At(frame, offset, 1));

    public override uint Read32(Mfn frame, int offset) => Volatile.Read(ref *(uint*)At(frame, offset, 4));

    public override ulong Read64(Mfn frame, int offset) => Volatile.Read(ref *(ulong*)At(frame, offset, 8));

    public override ulong Read64(ulong address)
    {
        if (address >= _end)
            ThrowHelpers.ThrowIndexOutOfRangeException();
        return Volatile.Read(ref *(ulong*)DirectMap.At(address & ~7UL));
    }

    public override void Write8(Mfn frame, int offset, byte value) => Volatile.Write(ref *At(frame, offset, 1), value);

    public override void Write32(Mfn frame, int offset, uint value) => Volatile.Write(ref *(uint*)At(frame, offset, 4), value);

    public override void Write64(Mfn frame, int offset, ulong value) => Volatile.Write(ref *(ulong*)At(frame, offset, 8), value);

    public override uint CompareExchange32(Mfn frame, int offset, uint value, uint comparand) =>
        Interlocked.CompareExchange(ref *(uint*)At(frame, offset, 4), value, comparand);

    public override ulong CompareExchange64(Mfn frame, int offset, ulong value, ulong comparand) =>
        Interlocked.CompareExchange(ref *(ulong*)At(frame, offset, 8), value, comparand);

    public override byte Exchange8(Mfn frame, int offset, byte value)
    {
        byte* location = At(frame, offset, 1);
        int shift = (int)((ulong)location & 3) * 8;
        uint* word = (uint*)((ulong)location & ~3UL);
        while (true)
        {
            uint old = Volatile.Read(ref *word);
            uint updated = (old & ~(0xffu << shift)) | ((uint)value << shift);
            if (Interlocked.CompareExchange(ref *word, updated, old) == old)
                return (byte)(old >> shift);
        }
    }

    public override bool TestAndSetBit(Mfn frame, int bit)
    {
        uint mask = 1u << (bit & 31);
        uint* word = (uint*)At(frame, (int)((uint)bit >> 5) * 4, 4);
        if ((Volatile.Read(ref *word) & mask) != 0)
            return true;
        return (Interlocked.Or(ref *word, mask) & mask) != 0;
    }

    public override bool TestAndClearBit(Mfn frame, int bit)
    {
        uint mask = 1u << (bit & 31);
        uint* word = (uint*)At(frame, (int)((uint)bit >> 5) * 4, 4);
        if ((Volatile.Read(ref *word) & mask) == 0)
            return false;
        return (Interlocked.And(ref *word, ~mask) & mask) != 0;
    }

    public override bool TestBit(Mfn frame, int bit) => (Volatile.Read(ref *(uint*)At(frame, (int)((uint)bit >> 5) * 4, 4)) & (1u << (bit & 31))) != 0;

    public override void Read(Mfn frame, int offset, Span<byte> destination) =>
        new ReadOnlySpan<byte>(At(frame, offset, destination.Length), destination.Length).CopyTo(destination);

    public override void Write(Mfn frame, int offset, ReadOnlySpan<byte> source) =>
        source.CopyTo(new Span<byte>(At(frame, offset, source.Length), source.Length));

    /// <summary>For <see cref="AbiBytes"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void ReadStructure<T>(ulong address, out T value) where T : unmanaged => value = *(T*)At(address, sizeof(T));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void WriteStructure<T>(ulong address, ref readonly T value) where T : unmanaged => *(T*)At(address, sizeof(T)) = value;

    public override void Copy(Mfn destination, int destinationOffset, Mfn source, int sourceOffset, int count) =>
        new ReadOnlySpan<byte>(At(source, sourceOffset, count), count).CopyTo(new Span<byte>(At(destination, destinationOffset, count), count));

    public override void Clear(Mfn frame) => new Span<byte>(At(frame, 0, FrameSize.Bytes), FrameSize.Bytes).Clear();

    public override void Barrier() => Interlocked.MemoryBarrier();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* At(Mfn frame, int offset, int size)
    {
        if (frame.Value >= FrameLimit || (uint)offset > (uint)(FrameSize.Bytes - size))
            ThrowHelpers.ThrowIndexOutOfRangeException();
        return DirectMap.Pointer(frame.Value) + offset;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* At(ulong address, int size)
    {
        if (address >= _end || (int)(address & FrameSize.Mask) > FrameSize.Bytes - size)
            ThrowHelpers.ThrowIndexOutOfRangeException();
        return DirectMap.At(address);
    }
}
