// SPDX-License-Identifier: MIT
// Writes to the memory of a domain that is being built. Used by the toolstack.
// Its grant table, which nobody else uses before it runs, grants a window of pages to this domain, into which the hypervisor copies a batch of pages in
// one call: a mapping costs dom0's kernel two hypercalls for each page.

using System;
using XenSharp.Abi;
using XenSharp.Interop;

namespace XenSharp.Control;

/// <summary>The memory written must be there. Nothing stays granted after a call.</summary>
/// <param name="self">The domain that this program runs in.</param>
public sealed class DomainWriter(HypercallGate gate, ushort domain, ushort self) : IDisposable
{
    private const int PageSize = SharedPages.PageSize, EntrySize = 8;
    private const int FirstReference = (int)GrantTableLimits.ReservedEntryCount, WindowPages = (PageSize / EntrySize) - FirstReference;

    private static readonly byte[] s_zeros = new byte[16 * PageSize];

    private readonly SharedPages _table = gate.MapResource(domain, MemoryResource.GrantTable, MemoryConstants.ResourceGrantTableIdShared, 0, 1);

    /// <exception cref="SystemFailure"/>
    public void Write(ulong address, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            int offset = (int)(address % PageSize), length = Math.Min(bytes.Length, (WindowPages * PageSize) - offset);
            int pages = (offset + length + PageSize - 1) / PageSize;
            for (int index = 0; index < pages; index++)
                Grant(_table, (uint)(FirstReference + index), self, (address / PageSize) + (ulong)index);
            try
            {
                gate.WriteGranted(domain, FirstReference, offset, bytes[..length]);
            }
            finally
            {
                Withdraw(pages);
            }
            bytes = bytes[length..];
            address += (ulong)length;
        }
    }

    /// <exception cref="SystemFailure"/>
    public void Clear(ulong address, ulong length)
    {
        for (ulong done = 0; done < length;)
        {
            // Whole pages after the first piece.
            int piece = (int)Math.Min((ulong)s_zeros.Length - (address + done) % PageSize, length - done);
            Write(address + done, s_zeros.AsSpan(0, piece));
            done += (ulong)piece;
        }
    }

    public void Dispose() => _table.Dispose();

    /// <summary>Makes an entry, struct grant_entry_v1: flags, domid, frame. The flags say last that it counts.</summary>
    internal static void Grant(SharedPages table, uint reference, ushort to, ulong frame)
    {
        int entry = checked((int)reference * EntrySize);
        table.Write32(entry + sizeof(uint), checked((uint)frame));
        table.Write32(entry, (uint)GrantEntryFlags.PermitAccess | ((uint)to << 16));
    }

    private void Withdraw(int pages)
    {
        for (int index = 0; index < pages; index++)
        {
            int entry = (FirstReference + index) * EntrySize;
            _table.Write32(entry, 0);
            _table.Write32(entry + sizeof(uint), 0);
        }
    }
}
