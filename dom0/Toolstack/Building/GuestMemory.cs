// SPDX-License-Identifier: MIT
// The memory of a domain that is being built: given, and written through mappings of a few MiB. Used by DomainBuilder.

using System;
using System.Collections.Generic;
using XenSharp.Abi;
using XenSharp.Control;
using XenSharp.Interop;

namespace XenSharp.Toolstack.Building;

internal sealed class GuestMemory(Hypervisor hypervisor, ushort domain)
{
    private const ulong PageSize = SharedPages.PageSize;
    private const int SmallPagesAtOnce = 4096, LargePagesAtOnce = 512, WindowPages = 2048;
    private const uint LargeOrder = 9, HugeOrder = 18;

    private static readonly byte[] s_zeros = new byte[64 * 1024];

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
        ulong place = address, end = address + length;
        while (place < end)
        {
            ulong window = Math.Min(WindowPages * PageSize - (place & (PageSize - 1)), end - place);
            using SharedPages pages = Map(place / PageSize, (int)(((place & (PageSize - 1)) + window + PageSize - 1) / PageSize));
            int offset = (int)(place & (PageSize - 1));
            int copied = (int)Math.Min((ulong)bytes.Length, window);
            pages.Write(offset, bytes[..copied]);
            bytes = bytes[copied..];
            for (int done = copied; done < (int)window; done += Math.Min(s_zeros.Length, (int)window - done))
                pages.Write(offset + done, s_zeros.AsSpan(0, Math.Min(s_zeros.Length, (int)window - done)));
            place += window;
        }
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

    private SharedPages Map(ulong first, int count)
    {
        List<ulong> frames = new(count);
        for (int index = 0; index < count; index++)
            frames.Add(first + (ulong)index);
        return hypervisor.MapForeign(domain, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(frames), isWritable: true);
    }
}
