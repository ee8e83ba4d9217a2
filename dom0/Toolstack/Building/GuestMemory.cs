// SPDX-License-Identifier: MIT
// The memory of a domain that is being built: given, and written. Used by DomainBuilder.

using System;
using XenSharp.Abi;
using XenSharp.Control;

namespace XenSharp.Toolstack.Building;

/// <param name="self">The domain that this program runs in.</param>
internal sealed class GuestMemory(Hypervisor hypervisor, ushort domain, ushort self) : IDisposable
{
    private const int SmallPagesAtOnce = 4096, LargePagesAtOnce = 512;
    private const uint LargeOrder = 9, HugeOrder = 18;

    private DomainWriter? _writer;

    /// <summary>Gives memory for a range of frames, in pages as large as they can be; false if there is not enough.</summary>
    public bool TryPopulate(ulong first, ulong count, MemoryFlags flags = 0)
    {
        ulong next = first, end = first + count;
        while (next < end)
        {
            ulong done = 0;
            if (Extents(next, end, HugeOrder) > 0)
                done = TryOrder(next, 1, HugeOrder, flags);
            if (done == 0 && Extents(next, end, LargeOrder) is > 0 and ulong large)
                done = TryOrder(next, Math.Min(large, LargePagesAtOnce), LargeOrder, flags);
            if (done == 0)
            {
                // Up to where a large page may begin again.
                ulong small = Math.Min(end - next, (1ul << (int)LargeOrder) - (next & ((1ul << (int)LargeOrder) - 1)));
                done = TryOrder(next, Math.Min(small, SmallPagesAtOnce), 0, flags);
                if (done != small)
                    return false;
            }
            next += done;
        }
        return true;
    }

    /// <summary>Gives single pages.</summary>
    public void Populate(ReadOnlySpan<ulong> frames) => hypervisor.Populate(domain, frames, 0);

    /// <summary>Writes bytes and then zeros up to a length. The memory is there.</summary>
    public void Write(ulong address, ReadOnlySpan<byte> bytes, ulong length)
    {
        _writer ??= new DomainWriter(hypervisor.Gate, domain, self);
        _writer.Write(address, bytes);
        _writer.Clear(address + (ulong)bytes.Length, length - (ulong)bytes.Length);
    }

    public void Write(ulong address, ReadOnlySpan<byte> bytes) => Write(address, bytes, (ulong)bytes.Length);

    private static ulong Extents(ulong next, ulong end, uint order) => (next & ((1ul << (int)order) - 1)) == 0 ? (end - next) >> (int)order : 0;

    private ulong TryOrder(ulong first, ulong count, uint order, MemoryFlags flags)
    {
        ulong[] frames = new ulong[count];
        for (ulong index = 0; index < count; index++)
            frames[index] = first + (index << (int)order);
        return (ulong)hypervisor.TryPopulate(domain, frames, order, flags) << (int)order;
    }

    public void Dispose() => _writer?.Dispose();
}
