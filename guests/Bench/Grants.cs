// SPDX-License-Identifier: MIT
// The grants that are measured with: a page to copy from and a page to map. Costs offers them to its own domain, Peer to the one that built it.

namespace XenSharp.Guests.Bench;

internal static class Grants
{
    public const uint CopiedReference = 8, MappedReference = 9;

    public static Page Source => new(21);

    private static Page Mapped => new(23);

    private static Page Table => new(20);

    /// <summary>Entries of version 1 (`xen/include/public/grant_table.h`), in the grant table's first frame.</summary>
    public static void Offer(ushort domain)
    {
        Page argument = new Page(0).Clear().Put16(0, 0x7ff0).Put32(4, 1).Put64(16, Table.Frame);
        if (Hypercall.Make(Call.MemoryOp, 7, argument.Address) < 0)
            Machine.Fail("the grant table cannot be mapped"u8);
        Permit(CopiedReference, domain, Source);
        Permit(MappedReference, domain, Mapped);
    }

    private static void Permit(uint reference, ushort domain, Page page)
    {
        const int entrySize = 8;
        const ushort permitAccess = 1;
        int entry = (int)reference * entrySize;
        Table.Put32(entry + 4, (uint)page.Frame).Put16(entry + 2, domain).Put16(entry, permitAccess);
    }
}
