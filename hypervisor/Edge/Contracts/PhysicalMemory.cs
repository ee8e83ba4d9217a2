// SPDX-License-Identifier: MIT
// The machine's memory as the core sees it: single words and copies, addressed by frame and offset, always checked.

using System;

namespace XenSharp.Edge;

/// <summary>
/// Access to machine memory by frame. Every method faults (the entry is abandoned) when the frame lies beyond
/// <see cref="FrameLimit"/> or the access leaves the frame. Word accesses are single-copy atomic and volatile,
/// so they serve for memory shared with a running guest; offsets of words must be naturally aligned.
/// </summary>
public abstract class PhysicalMemory
{
    /// <summary>The first frame number beyond the mapped memory.</summary>
    public abstract ulong FrameLimit { get; }

    public abstract byte Read8(Mfn frame, int offset);

    public abstract uint Read32(Mfn frame, int offset);

    public abstract ulong Read64(Mfn frame, int offset);

    /// <summary>The aligned word at a machine address.</summary>
    public abstract ulong Read64(ulong address);

    public abstract void Write8(Mfn frame, int offset, byte value);

    public abstract void Write32(Mfn frame, int offset, uint value);

    public abstract void Write64(Mfn frame, int offset, ulong value);

    /// <summary>Stores <paramref name="value"/> if the word equals <paramref name="comparand"/>; returns what was there.</summary>
    public abstract uint CompareExchange32(Mfn frame, int offset, uint value, uint comparand);

    public abstract ulong CompareExchange64(Mfn frame, int offset, ulong value, ulong comparand);

    public abstract byte Exchange8(Mfn frame, int offset, byte value);

    /// <summary>Sets bit <paramref name="bit"/> of the frame's 32,768 bits; returns whether it was set before.</summary>
    public abstract bool TestAndSetBit(Mfn frame, int bit);

    public abstract bool TestAndClearBit(Mfn frame, int bit);

    public abstract bool TestBit(Mfn frame, int bit);

    public abstract void Read(Mfn frame, int offset, Span<byte> destination);

    public abstract void Write(Mfn frame, int offset, ReadOnlySpan<byte> source);

    /// <summary>Copies within the machine's memory, without a stop on the hypervisor's stack; the two ranges may be the same or overlap.</summary>
    public abstract void Copy(Mfn destination, int destinationOffset, Mfn source, int sourceOffset, int count);

    public abstract void Clear(Mfn frame);

    /// <summary>Orders earlier accesses before later ones (smp_mb).</summary>
    public abstract void Barrier();
}
