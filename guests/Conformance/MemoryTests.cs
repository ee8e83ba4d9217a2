// SPDX-License-Identifier: MIT
// memory_op (`xen/include/public/memory.h`): what a domain does to its own memory, and what it is refused.

using System;

namespace XenSharp.Guests.Conformance;

internal static partial class MemoryTests
{
    private static Page A => Probe.A;

    private static Page B => Probe.B;

    private static Page Victim => new(16);

    private static ReadOnlySpan<ushort> Domains => [Probe.Self, 0, 1, 0x7ff1, 0x7ff2, 0x7ff3, 0x7ff4, 0x7fff, 0xffff];

    public static void Run()
    {
        Probe.Section("memory_op"u8);
        Sizes();
        Reservations();
        Exchange();
        PhysmapOne();
        PhysmapBatch();
        Maps();
        Resources();
        Others();
    }

    private static long Op(ulong operation, ulong argument) => Hypercall.Make(Call.MemoryOp, operation, argument);

    private static void Sizes()
    {
        Probe.IsClass("memory_op(maximum_ram_page)"u8, Op(2, 0));
        foreach (ushort domain in Domains)
        {
            A.Clear().Put16(0, domain);
            Probe.Numbered("memory_op(current_reservation, domain "u8, domain, Op(3, A.Address) > 0 ? 1 : Op(3, A.Address));
            Probe.Numbered("memory_op(maximum_reservation, domain "u8, domain, Op(4, A.Address) > 0 ? 1 : Op(4, A.Address));
            Probe.Numbered("memory_op(maximum_gpfn, domain "u8, domain, Op(14, A.Address) > 0 ? 1 : Op(14, A.Address));
        }

        Probe.BadPointers("memory_op(current_reservation)"u8, Call.MemoryOp, 3);
        Probe.BadPointers("memory_op(maximum_gpfn)"u8, Call.MemoryOp, 14);
    }

    private static void Reservation(ulong extents, ulong count, uint order, uint flags, ushort domain) =>
        A.Clear().Put64(0, extents).Put64(8, count).Put32(16, order).Put32(20, flags).Put16(24, domain);

    private static long Reserve(uint operation, ulong extents, ulong count, uint order = 0, uint flags = 0, ushort domain = Probe.Self)
    {
        Reservation(extents, count, order, flags, domain);
        return Op(operation, A.Address);
    }

    private static void Reservations()
    {
        long before = CurrentReservation();
        B.Clear().Put64(0, Victim.Frame);
        Victim.Bytes[0] = 0x77;
        Probe.Is("memory_op(decrease_reservation, own page)"u8, Reserve(1, B.Address, 1));
        Report.Signed("change"u8, CurrentReservation() - before);
        Report.Hex("read"u8, Victim.Get8(0));
        Probe.Is("memory_op(decrease_reservation, the same again)"u8, Reserve(1, B.Address, 1));
        Probe.Is("memory_op(populate_physmap, that frame)"u8, Reserve(6, B.Address, 1));
        Report.Signed("change"u8, CurrentReservation() - before);
        Victim.Put8(1, 0x66);
        Report.Hex("written"u8, Victim.Get8(1));
        Probe.Is("memory_op(populate_physmap, a frame in use)"u8, Reserve(6, B.Address, 1));
        Report.Signed("change"u8, CurrentReservation() - before);
        Probe.Is("memory_op(populate_physmap, frame far beyond)"u8, Reserve(6, PutFrame(1UL << 40), 1));
        Probe.Is("memory_op(decrease_reservation, frame far beyond)"u8, Reserve(1, PutFrame(1UL << 40), 1));
        Probe.Is("memory_op(decrease_reservation, frame of a hole)"u8, Reserve(1, PutFrame(0xf0000), 1));
        Probe.Is("memory_op(decrease_reservation, frame of the local APIC)"u8, Reserve(1, PutFrame(0xfee00), 1));
        Probe.Is("memory_op(decrease_reservation, frame of a ROM)"u8, Reserve(1, PutFrame(0xf0), 1));

        foreach (uint operation in (ReadOnlySpan<uint>)[0, 1, 6])
        {
            Probe.Numbered("memory_op(count 0, "u8, operation, Reserve(operation, B.Address, 0));
            Probe.Numbered("memory_op(null list, count 1, "u8, operation, Reserve(operation, 0, 1));
            Probe.Numbered("memory_op(unmapped list, "u8, operation, Reserve(operation, Probe.Unmapped, 1));
            Probe.Numbered("memory_op(non-canonical list, "u8, operation, Reserve(operation, Probe.NonCanonical, 1));
            Probe.Numbered("memory_op(count 2^63, "u8, operation, Reserve(operation, B.Address, 1UL << 63));
            Probe.Numbered("memory_op(count 2^58, "u8, operation, Reserve(operation, B.Address, 1UL << 58));
            Probe.Numbered("memory_op(count 2^32, unmapped list, "u8, operation, Reserve(operation, Probe.Unmapped, 1UL << 32));
            foreach (uint order in (ReadOnlySpan<uint>)[19, 20, 32, 64, 0xffffffff])
            {
                Report.Begin("order"u8);
                Report.Decimal("is"u8, order);
                Probe.Numbered("memory_op(order above all limits, "u8, operation, Reserve(operation, PutFrame(0x100000), 1, order));
            }

            Probe.Numbered("memory_op(start beyond count, "u8, operation, Skip(operation));
            foreach (ushort domain in Domains)
            {
                if (domain is Probe.Self or 0)
                    continue;
                Report.Begin("domain"u8);
                Report.Hex("is"u8, domain);
                Probe.Numbered("memory_op(count 1, foreign domain, "u8, operation, Reserve(operation, PutFrame(0x100000), 1, domain: domain));
            }

            Probe.BadPointers("memory_op(reservation)"u8, Call.MemoryOp, operation);
        }

        Probe.Is("memory_op(populate_physmap, frames 0x100000.. twice 2 MiB)"u8, Large());
        Report.Signed("change"u8, CurrentReservation() - before);
        Probe.Is("memory_op(populate_physmap, unaligned frame, order 9)"u8, Reserve(6, PutFrame(0x100001), 1, 9));
        Report.Signed("change"u8, CurrentReservation() - before);
        GiveBack(0x100000, 2048);
        Report.Begin("reservation afterwards"u8);
        Report.Signed("change"u8, CurrentReservation() - before);
        Probe.Is("memory_op(populate_physmap, on demand)"u8, Reserve(6, PutFrame(0x100000), 1, 0, 1 << 16));
        Probe.Is("memory_op(populate_physmap, address bits 32)"u8, Reserve(6, PutFrame(0x100000), 1, 0, 32));
        GiveBack(0x100000, 1);
        Probe.Is("memory_op(populate_physmap, address bits 12)"u8, Reserve(6, PutFrame(0x100000), 1, 0, 12));
        GiveBack(0x100000, 1);
        Probe.Is("memory_op(populate_physmap, node 0)"u8, Reserve(6, PutFrame(0x100000), 1, 0, 1 << 8));
        GiveBack(0x100000, 1);
        Probe.Is("memory_op(populate_physmap, exactly node 9)"u8, Reserve(6, PutFrame(0x100000), 1, 0, (10 << 8) | (1 << 17)));
        GiveBack(0x100000, 1);
        Probe.Is("memory_op(populate_physmap, virtual node)"u8, Reserve(6, PutFrame(0x100000), 1, 0, 1 << 18));
        GiveBack(0x100000, 1);
        Probe.Is("memory_op(populate_physmap, unknown flag 2^31)"u8, Reserve(6, PutFrame(0x100000), 1, 0, 1u << 31));
        GiveBack(0x100000, 1);
        PastTheList(before);
        Report.Begin("reservation afterwards"u8);
        Report.Signed("change"u8, CurrentReservation() - before);
    }

    private static long Skip(uint operation)
    {
        Reservation(B.Address, 4, 0, 0, Probe.Self);
        return Op(operation | (9UL << 6), A.Address);
    }

    private static long Large()
    {
        B.Put64(0, 0x100000).Put64(8, 0x100200);
        return Reserve(6, B.Address, 2, 9);
    }

    // The list of frames ends at a page that is absent: as many extents as could be read count.
    private static void PastTheList(long before)
    {
        ulong start = Window.Map(0, B.Frame);
        Window.Unmap(1);
        B.Put64(4088, 0x100000).Put64(4080, 0x100001);
        Probe.Is("memory_op(populate_physmap, 4 extents, list ends after 2)"u8, Reserve(6, start + 4080, 4));
        Report.Signed("change"u8, CurrentReservation() - before);
        Probe.Is("memory_op(decrease_reservation, 4 extents, list ends after 2)"u8, Reserve(1, start + 4080, 4));
        Report.Signed("change"u8, CurrentReservation() - before);
        Window.MapReadOnly(0, B.Frame);
        B.Put64(0, 0x100000);
        Probe.Is("memory_op(populate_physmap, read-only list)"u8, Reserve(6, start, 1));
        Report.Signed("change"u8, CurrentReservation() - before);
        GiveBack(0x100000, 1);
        B.Put64(0, 0x100000).Put64(8, 1UL << 40).Put64(16, 0x100001);
        Probe.Is("memory_op(populate_physmap, 3 extents, second bad)"u8, Reserve(6, B.Address, 3));
        GiveBack(0x100000, 2);
    }

    private static ulong PutFrame(ulong frame)
    {
        B.Put64(0, frame);
        return B.Address;
    }

    private static void GiveBack(ulong frame, int count)
    {
        for (int i = 0; i < count; i++)
            Reserve(1, PutFrame(frame + (ulong)i), 1);
    }

    private static long CurrentReservation()
    {
        Page page = new(5);
        page.Put16(0, Probe.Self);
        return Op(3, page.Address);
    }

    private static void Exchange()
    {
        Page c = Probe.C, d = Probe.D;
        c.Put64(0, Victim.Frame);
        d.Put64(0, Victim.Frame);
        A.Clear().Put64(0, c.Address).Put64(8, 0).Put16(24, Probe.Self).Put64(32, d.Address).Put64(40, 0).Put16(56, Probe.Self);
        Probe.Is("memory_op(exchange, nothing)"u8, Op(11, A.Address));
        A.Put64(8, 1).Put64(40, 2);
        Probe.Is("memory_op(exchange, 1 against 2)"u8, Op(11, A.Address));
        A.Put64(8, 1).Put64(40, 1).Put64(64, 9);
        Probe.Is("memory_op(exchange, more done than asked)"u8, Op(11, A.Address));
        A.Put64(64, 0).Put16(24, 1).Put16(56, 1);
        Probe.Is("memory_op(exchange, foreign domain)"u8, Op(11, A.Address));
        A.Put16(24, Probe.Self).Put16(56, 0x7ff4);
        Probe.Is("memory_op(exchange, different domains)"u8, Op(11, A.Address));
        A.Put16(56, Probe.Self).Put32(16, 30);
        Probe.Is("memory_op(exchange, order 30)"u8, Op(11, A.Address));
        Probe.BadPointers("memory_op(exchange)"u8, Call.MemoryOp, 11);
    }

    private static void Maps()
    {
        A.Clear().Put32(0, 128).Put64(8, B.Fill(0xa5).Address);
        Probe.Is("memory_op(memory_map, 128 entries)"u8, Op(9, A.Address));
        Report.Flag("whole entries"u8, Probe.Written(B) == A.Get32(0) * 20);
        uint entries = A.Get32(0);
        A.Put32(0, 1).Put64(8, B.Fill(0xa5).Address);
        Probe.Is("memory_op(memory_map, 1 entry)"u8, Op(9, A.Address));
        Report.Decimal("entries"u8, A.Get32(0));
        Report.Decimal("written"u8, Probe.Written(B));
        A.Put32(0, 0);
        Probe.Is("memory_op(memory_map, 0 entries)"u8, Op(9, A.Address));
        Report.Flag("entries"u8, A.Get32(0) == entries);
        A.Put32(0, 128).Put64(8, 0);
        Probe.Is("memory_op(memory_map, null buffer)"u8, Op(9, A.Address));
        Report.Flag("entries"u8, A.Get32(0) == entries);
        A.Put32(0, 128).Put64(8, Probe.Unmapped);
        Probe.Is("memory_op(memory_map, unmapped buffer)"u8, Op(9, A.Address));
        Probe.BadPointers("memory_op(memory_map)"u8, Call.MemoryOp, 9);
        A.Clear().Put32(0, 128).Put64(8, B.Address);
        Probe.Is("memory_op(machine_memory_map)"u8, Op(10, A.Address));
        A.Clear().Put16(0, 1).Put32(8, 0).Put64(16, B.Address);
        Probe.Is("memory_op(set_memory_map, nonexistent domain)"u8, Op(13, A.Address));
        A.Put32(8, 129);
        Probe.Is("memory_op(set_memory_map, 129 entries)"u8, Op(13, A.Address));
        Probe.BadPointers("memory_op(set_memory_map)"u8, Call.MemoryOp, 13);
        A.Clear().Put32(0, 1).Put64(8, B.Address);
        Probe.Is("memory_op(machphys_mfn_list)"u8, Op(5, A.Address));
        Report.Decimal("entries"u8, A.Get32(16));
        A.Clear();
        Probe.Is("memory_op(machphys_mapping)"u8, Op(12, A.Address));
        Report.Class("start"u8, A.Get64(0));
        A.Clear();
        Probe.Is("memory_op(machphys_compat_mfn_list)"u8, Op(25, A.Address));
        A.Clear().Put32(0, 1).Put32(4, 16).Put64(8, B.Address);
        Probe.Is("memory_op(reserved_device_memory_map, all)"u8, Op(27, A.Address));
        Report.Decimal("entries"u8, A.Get32(4));
        A.Clear().Put32(0, 0xfffffffe).Put32(4, 16).Put64(8, B.Address);
        Probe.Is("memory_op(reserved_device_memory_map, unknown flags)"u8, Op(27, A.Address));
        A.Clear().Put16(0, Probe.Self);
        Probe.Is("memory_op(get_vnumainfo)"u8, Op(26, A.Address));
        A.Clear().Put16(0, 1);
        Probe.Is("memory_op(get_vnumainfo, nonexistent domain)"u8, Op(26, A.Address));
        Probe.BadPointers("memory_op(get_vnumainfo)"u8, Call.MemoryOp, 26);
    }

    private static long Resource(ushort domain, ushort type, uint id, uint count, ulong frame, ulong list, uint pad = 0)
    {
        A.Clear().Put16(0, domain).Put16(2, type).Put32(4, id).Put32(8, count).Put32(12, pad).Put64(16, frame).Put64(24, list);
        return Op(28, A.Address);
    }

    private static void Resources()
    {
        B.Clear().Put64(0, 0x100012);
        Probe.Is("memory_op(acquire_resource, self, grant table, size)"u8, Resource(Probe.Self, 1, 0, 0, 0, 0));
        Report.Decimal("frames"u8, A.Get32(8));
        Probe.Is("memory_op(acquire_resource, domain 0, grant table, size)"u8, Resource(0, 1, 0, 0, 0, 0));
        Report.Decimal("frames"u8, A.Get32(8));
        Probe.Is("memory_op(acquire_resource, nonexistent domain)"u8, Resource(1, 1, 0, 0, 0, 0));
        Probe.Is("memory_op(acquire_resource, domain 0, grant table, frame 0)"u8, Resource(0, 1, 0, 1, 0, B.Address));
        Probe.Is("memory_op(acquire_resource, count without list)"u8, Resource(0, 1, 0, 1, 0, 0));
        Probe.Is("memory_op(acquire_resource, pad set)"u8, Resource(0, 1, 0, 0, 0, 0, 1));
        Probe.Is("memory_op(acquire_resource, frame 2^40)"u8, Resource(0, 1, 0, 1, 1UL << 40, B.Address));
        for (ushort type = 0; type < 5; type++)
            Probe.Numbered("memory_op(acquire_resource, nonexistent domain, type "u8, type, Resource(1, type, 0, 1, 0, B.Address));
        Probe.BadPointers("memory_op(acquire_resource)"u8, Call.MemoryOp, 28);
    }

    private static void Others()
    {
        A.Clear().Put16(32, Probe.Self);
        Probe.Is("memory_op(get_pod_target, self)"u8, Op(17, A.Address));
        A.Clear().Put16(32, 1);
        Probe.Is("memory_op(get_pod_target, nonexistent domain)"u8, Op(17, A.Address));
        Probe.Is("memory_op(set_pod_target, nonexistent domain)"u8, Op(16, A.Address));
        Probe.BadPointers("memory_op(get_pod_target)"u8, Call.MemoryOp, 17);
        Probe.Is("memory_op(get_sharing_freed_pages)"u8, Op(18, 0));
        Probe.Is("memory_op(get_sharing_shared_pages)"u8, Op(19, 0));
        for (uint operation = 20; operation < 23; operation++)
        {
            A.Clear();
            Probe.Numbered("memory_op(zeroed argument, "u8, operation, Op(operation, A.Address));
            Probe.BadPointers("memory_op of that number"u8, Call.MemoryOp, operation);
        }

        Reservation(0, 0, 0, 0, 0);
        Probe.Is("memory_op(claim_pages, 0, own)"u8, Op(24, A.Address));
        Reservation(B.Address, 0, 0, 0, 0);
        Probe.Is("memory_op(claim_pages, with list)"u8, Op(24, A.Address));
        Reservation(0, 0, 1, 0, 0);
        Probe.Is("memory_op(claim_pages, with order)"u8, Op(24, A.Address));
        Reservation(0, 1UL << 40, 0, 0, 0);
        Probe.Is("memory_op(claim_pages, too many)"u8, Op(24, A.Address));
        Reservation(0, 1, 0, 0, 1);
        Probe.Is("memory_op(claim_pages, nonexistent domain)"u8, Op(24, A.Address));
        Probe.Is("memory_op(8)"u8, Op(8, A.Address));
        foreach (uint operation in (ReadOnlySpan<uint>)[29, 30, 31, 32, 40, 63])
            Probe.Numbered("memory_op("u8, operation, Op(operation, A.Address));
        Probe.Is("memory_op(maximum_ram_page + 2^32 extents)"u8, Op(2 | (1UL << 38), 0));
    }
}
