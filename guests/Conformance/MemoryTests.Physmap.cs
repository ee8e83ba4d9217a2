// SPDX-License-Identifier: MIT
// memory_op: frames put into a domain's own map, singly and in batches.

using System;

namespace XenSharp.Guests.Conformance;

internal static partial class MemoryTests
{
    private static long Physmap(uint space, ulong index, ulong frame, ushort domain = Probe.Self, ushort size = 0)
    {
        A.Clear().Put16(0, domain).Put16(2, size).Put32(4, space).Put64(8, index).Put64(16, frame);
        return Op(7, A.Address);
    }

    private static long Unphysmap(ulong frame, ushort domain = Probe.Self)
    {
        A.Clear().Put16(0, domain).Put64(8, frame);
        return Op(15, A.Address);
    }

    private static void PhysmapOne()
    {
        long before = CurrentReservation();
        Probe.Is("memory_op(add_to_physmap, shared_info)"u8, Physmap(0, 0, Events.SharedInfo.Frame));
        Report.Signed("change"u8, CurrentReservation() - before);
        Report.Flag("wc_version even"u8, (Events.SharedInfo.Get32(3072) & 1) == 0);
        Report.Class("wc_sec"u8, Events.SharedInfo.Get32(3076));
        Report.Class("tsc_to_system_mul"u8, Events.SharedInfo.Get32(32 + 24));
        Report.Flag("version even"u8, (Events.SharedInfo.Get32(32) & 1) == 0);
        Report.Hex("flags"u8, Events.SharedInfo.Get8(32 + 29));
        Report.Hex("upcall"u8, Events.SharedInfo.Get16(0));
        Report.Hex("mask"u8, Events.SharedInfo.Get64(2560));
        Probe.Is("memory_op(add_to_physmap, shared_info again, elsewhere)"u8, Physmap(0, 0, 0x100010));
        Probe.Is("memory_op(add_to_physmap, shared_info back)"u8, Physmap(0, 0, Events.SharedInfo.Frame));
        Probe.Is("memory_op(add_to_physmap, shared_info, index 1)"u8, Physmap(0, 1, 0x100010));
        Probe.Is("memory_op(add_to_physmap, shared_info, frame 2^40)"u8, Physmap(0, 0, 1UL << 40));
        // Frame 2^63 is left out: real Xen maps it into the IOMMU's tables, fails there and crashes the caller.
        Probe.Is("memory_op(add_to_physmap, shared_info back)"u8, Physmap(0, 0, Events.SharedInfo.Frame));
        foreach (ushort domain in Domains)
        {
            if (domain is not Probe.Self and not 0)
                Probe.Numbered("memory_op(add_to_physmap, shared_info, domain "u8, domain, Physmap(0, 0, 0x100010, domain));
        }

        Probe.Is("memory_op(add_to_physmap, gmfn: own page elsewhere)"u8, Physmap(2, Victim.Frame, 0x100010));
        Victim.Put32(8, 0x1234);
        Report.Flag("old frame still there"u8, Victim.Get32(8) == 0x1234);
        Probe.Is("memory_op(add_to_physmap, gmfn: back)"u8, Physmap(2, 0x100010, Victim.Frame));
        Victim.Put32(8, 0x1234);
        Report.Flag("there"u8, Victim.Get32(8) == 0x1234);
        Probe.Is("memory_op(add_to_physmap, gmfn: frame of a hole)"u8, Physmap(2, 0xf0000, 0x100010));
        Probe.Is("memory_op(add_to_physmap, gmfn: to itself)"u8, Physmap(2, Victim.Frame, Victim.Frame));
        Probe.Is("memory_op(add_to_physmap, gmfn_range, size 0)"u8, Physmap(3, Victim.Frame, 0x100010));
        Probe.Is("memory_op(add_to_physmap, gmfn_range, size 1)"u8, Physmap(3, Victim.Frame, 0x100010, size: 1));
        Probe.Is("memory_op(add_to_physmap, gmfn_range, back)"u8, Physmap(3, 0x100010, Victim.Frame, size: 1));
        for (uint space = 4; space < 8; space++)
            Probe.Numbered("memory_op(add_to_physmap, space "u8, space, Physmap(space, Victim.Frame, 0x100010));
        Probe.Is("memory_op(add_to_physmap, space 2^32 - 1)"u8, Physmap(0xffffffff, 0, 0x100010));
        Probe.BadPointers("memory_op(add_to_physmap)"u8, Call.MemoryOp, 7);

        Probe.Is("memory_op(remove_from_physmap, nothing there)"u8, Unphysmap(0x100010));
        Probe.Is("memory_op(remove_from_physmap, frame 2^40)"u8, Unphysmap(1UL << 40));
        Probe.Is("memory_op(remove_from_physmap, frame of a hole)"u8, Unphysmap(0xf0000));
        Probe.Is("memory_op(remove_from_physmap, nonexistent domain)"u8, Unphysmap(0x100010, 1));
        before = CurrentReservation();
        Probe.Is("memory_op(add_to_physmap, gmfn: own page elsewhere)"u8, Physmap(2, Victim.Frame, 0x100010));
        Probe.Is("memory_op(remove_from_physmap, own page)"u8, Unphysmap(0x100010));
        Report.Signed("change"u8, CurrentReservation() - before);
        Probe.Is("memory_op(populate_physmap, a new page for it)"u8, Reserve(6, PutFrame(Victim.Frame), 1));
        Report.Signed("change"u8, CurrentReservation() - before);
        Probe.BadPointers("memory_op(remove_from_physmap)"u8, Call.MemoryOp, 15);
    }

    private static void PhysmapBatch()
    {
        Page c = Probe.C;
        c.Clear().Put64(0, Victim.Frame).Put64(512, 0x100010).Put32(1024, 0x5a5a5a5a);
        Batch(2, 0, 0, c);
        Probe.Is("memory_op(add_to_physmap_batch, size 0)"u8, Op(23, A.Address));
        Batch(2, 1, 0, c);
        Probe.Is("memory_op(add_to_physmap_batch, gmfn, 1)"u8, Op(23, A.Address));
        Report.Signed("error"u8, (int)c.Get32(1024));
        c.Put64(0, 0x100010).Put64(512, Victim.Frame).Put64(8, 0xf0000).Put64(520, 0x100011);
        Batch(2, 2, 0, c);
        Probe.Is("memory_op(add_to_physmap_batch, gmfn, back and a hole)"u8, Op(23, A.Address));
        Report.Signed("error"u8, (int)c.Get32(1024));
        Report.Signed("error"u8, (int)c.Get32(1028));
        for (ushort space = 0; space < 7; space++)
        {
            c.Clear().Put64(0, 0xf0000).Put64(512, 0x100011).Put32(1024, 0x5a5a5a5a);
            Batch(space, 1, 0, c);
            Probe.Numbered("memory_op(add_to_physmap_batch, space "u8, space, Op(23, A.Address));
            Report.Signed("error"u8, (int)c.Get32(1024));
        }

        Physmap(0, 0, Events.SharedInfo.Frame);
        foreach (ushort foreign in Domains)
        {
            c.Clear().Put64(0, 0x1000).Put64(512, 0x100011).Put32(1024, 0x5a5a5a5a);
            Batch(4, 1, foreign, c);
            Probe.Numbered("memory_op(add_to_physmap_batch, gmfn_foreign of domain "u8, foreign, Op(23, A.Address));
            Report.Signed("error"u8, (int)c.Get32(1024));
        }

        c.Put64(0, 0xf0000);
        Batch(2, 1, 1, c);
        Probe.Is("memory_op(add_to_physmap_batch, gmfn, extra set)"u8, Op(23, A.Address));
        Batch(2, 1, 0, c);
        A.Put64(8, Probe.Unmapped);
        Probe.Is("memory_op(add_to_physmap_batch, unmapped indices)"u8, Op(23, A.Address));
        Batch(2, 1, 0, c);
        A.Put64(16, Probe.Unmapped);
        Probe.Is("memory_op(add_to_physmap_batch, unmapped frames)"u8, Op(23, A.Address));
        Batch(2, 1, 0, c);
        A.Put64(24, Probe.Unmapped);
        Probe.Is("memory_op(add_to_physmap_batch, unmapped errors)"u8, Op(23, A.Address));
        Batch(2, 1, 0, c);
        A.Put16(0, 1);
        Probe.Is("memory_op(add_to_physmap_batch, nonexistent domain)"u8, Op(23, A.Address));
        Batch(2, 1, 0, c);
        Probe.Is("memory_op(add_to_physmap_batch, start beyond size)"u8, Op(23 | (9UL << 6), A.Address));
        Probe.BadPointers("memory_op(add_to_physmap_batch)"u8, Call.MemoryOp, 23);
    }

    private static void Batch(ushort space, ushort size, ushort extra, Page lists) =>
        A.Clear().Put16(0, Probe.Self).Put16(2, space).Put16(4, size).Put16(6, extra)
            .Put64(8, lists.Address).Put64(16, lists.Address + 512).Put64(24, lists.Address + 1024);
}
