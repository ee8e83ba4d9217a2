// SPDX-License-Identifier: MIT
// The `foreign` mode: memory_op on another domain (`xen/include/public/memory.h`), from its first page to its end. The domain never runs.

using System;

namespace XenSharp.Guests.Conformance;

internal static class OtherDomainMemory
{
    // A frame of ours where nothing is, and one of the other domain's.
    private const ulong Place = 0x100000, Frame = 0x100;

    private static ushort _domain;

    private static Page A => Probe.A;

    private static Page B => Probe.B;

    private static Page C => Probe.C;

    public static void Run()
    {
        Probe.Section("memory of another domain"u8);
        Create();
        Reservations();
        Foreign();
        Moves();
        Resources();
        Queries();
        End();
    }

    private static long Op(ulong operation) => Hypercall.Make(Call.MemoryOp, operation, A.Address);

    private static long Domctl() => Hypercall.Make(Call.Domctl, A.Address);

    private static Page Start(uint command) => A.Clear().Put32(0, command).Put32(4, 0x15).Put16(8, _domain);

    private static void Create()
    {
        A.Clear().Put32(0, 1).Put32(4, 0x15).Put16(8, 0xffff)
            .Put32(36, 3).Put32(44, 1).Put32(48, 1023).Put32(52, uint.MaxValue).Put32(56, uint.MaxValue).Put32(60, 2).Put32(72, 1);
        Probe.Is("createdomain"u8, Domctl());
        _domain = A.Get16(8);
        Pages();
        Probe.Is("populate_physmap(before max_mem)"u8, Reserve(6, Frame));
        Start(11).Put64(16, 16384);
        Probe.Is("max_mem(16 MiB)"u8, Domctl());
        Probe.Is("populate_physmap(before max_vcpus)"u8, Reserve(6, Frame));
        Start(15).Put32(16, 1);
        Probe.Is("max_vcpus(1)"u8, Domctl());
        Start(86).Put64(16, 4 << 20);
        Domctl();
    }

    private static long Reserve(uint operation, ulong frame, uint order = 0, ulong count = 1, uint flags = 0, ushort domain = 0)
    {
        for (int i = 0; i < (int)count; i++)
            B.Put64(i * 8, frame + ((ulong)i << (int)order));
        A.Clear().Put64(0, B.Address).Put64(8, count).Put32(16, order).Put32(20, flags).Put16(24, domain == 0 ? _domain : domain);
        return Op(operation);
    }

    // What the domain has, and what the map's end is said to be.
    private static void Pages()
    {
        A.Clear().Put16(0, _domain);
        long pages = Op(3);
        long limit = Op(4);
        long highest = Op(14);
        Report.Begin("pages"u8);
        Report.Signed("now"u8, pages);
        Report.Signed("limit"u8, limit);
        Report.Signed("highest"u8, highest);
    }

    private static void Reservations()
    {
        Probe.Is("populate_physmap(16 pages)"u8, Reserve(6, Frame + 1, 0, 16));
        Pages();
        Probe.Is("populate_physmap(2 MiB)"u8, Reserve(6, 0x400, 9));
        Probe.Is("populate_physmap(2 MiB, unaligned)"u8, Reserve(6, 0x803, 9));
        Pages();
        Probe.Is("populate_physmap(order 12 beyond the limit)"u8, Reserve(6, 0x10000, 12));
        Probe.Is("populate_physmap(order 18 beyond the limit)"u8, Reserve(6, 0x40000, 18));
        Probe.Is("populate_physmap(order 19)"u8, Reserve(6, 0x40000, 19));
        Probe.Is("populate_physmap(a frame in use)"u8, Reserve(6, 0x400));
        Pages();
        Probe.Is("populate_physmap(2 MiB over pages)"u8, Reserve(6, 0x800, 9));
        Pages();
        Probe.Is("populate_physmap(far beyond)"u8, Reserve(6, 1UL << 40));
        Pages();
        Probe.Is("decrease_reservation(3 pages)"u8, Reserve(1, Frame + 1, 0, 3));
        Probe.Is("decrease_reservation(4 pages, 3 gone)"u8, Reserve(1, Frame + 1, 0, 4));
        Probe.Is("decrease_reservation(order 1, the second gone)"u8, Reserve(1, Frame, 1));
        Pages();
        Probe.Is("decrease_reservation(inside 2 MiB)"u8, Reserve(1, 0x410, 2));
        Probe.Is("increase_reservation(order 3)"u8, Reserve(0, 0, 3));
        Pages();
        Start(11).Put64(16, 64);
        Probe.Is("max_mem(64 KiB)"u8, Domctl());
        Pages();
        Probe.Is("populate_physmap(above the limit)"u8, Reserve(6, 0x3000));
        Probe.Is("decrease_reservation(above the limit)"u8, Reserve(1, 0x404));
        Start(11).Put64(16, 16384);
        Probe.Is("max_mem(16 MiB)"u8, Domctl());
        Exchange(0x405, 0x405);
        Exchange(0x406, 0x3000);
        Exchange(0x3001, 0x407);
        Pages();
        foreach (ulong claim in (ReadOnlySpan<ulong>)[1, 2000, 3000, 3000, 0, 100000, 0])
        {
            A.Clear().Put64(8, claim).Put16(24, _domain);
            Probe.Numbered("claim_pages("u8, claim, Op(24));
        }
    }

    private static void Exchange(ulong from, ulong to)
    {
        B.Put64(0, from).Put64(8, to);
        A.Clear().Put64(0, B.Address).Put64(8, 1).Put16(24, _domain).Put64(32, B.Address + 8).Put64(40, 1).Put16(56, _domain);
        Probe.Numbered("exchange("u8, from, Op(11));
        Report.Hex("to"u8, to);
        Report.Decimal("done"u8, A.Get64(64));
    }

    private static long Map(ulong index, ulong place, ushort foreign, uint space = 4, ushort domain = Probe.Self)
    {
        B.Clear().Put64(0, index).Put64(8, place).Put32(16, 0x5a5a5a5a);
        A.Clear().Put16(0, domain).Put16(2, (ushort)space).Put16(4, 1).Put16(6, foreign)
            .Put64(8, B.Address).Put64(16, B.Address + 8).Put64(24, B.Address + 16);
        long result = Op(23);
        return result != 0 ? result - 1000 : (int)B.Get32(16);
    }

    private static long Remove(ulong frame, ushort domain = Probe.Self)
    {
        A.Clear().Put16(0, domain).Put64(8, frame);
        return Op(15);
    }

    private static void Foreign()
    {
        Probe.Is("gmfn_foreign(a page)"u8, Map(0x400, Place, _domain));
        Probe.Is("gmfn_foreign(the same at a second place)"u8, Map(0x400, Place + 1, _domain));
        Probe.Is("gmfn_foreign(the same again)"u8, Map(0x400, Place, _domain));
        Probe.Is("gmfn_foreign(another one there)"u8, Map(0x401, Place, _domain));
        Probe.Is("gmfn_foreign(nothing)"u8, Map(0x9999, Place + 2, _domain));
        Probe.Is("gmfn_foreign(far beyond)"u8, Map(1UL << 40, Place + 2, _domain));
        Probe.Is("gmfn_foreign(to far beyond)"u8, Map(0x400, 1UL << 40, _domain));
        Probe.Is("gmfn_foreign(to the last frame)"u8, Map(0x400, ulong.MaxValue, _domain));
        foreach (ushort domain in (ReadOnlySpan<ushort>)[0, 77, 0x7ff0, 0x7ff1, 0x7ff4])
            Probe.Numbered("gmfn_foreign(of domain "u8, domain, Map(0x400, Place + 2, domain));
        Probe.Is("gmfn_foreign(into the other domain)"u8, Map(0x400, 0x3000, 0, 4, _domain));
        Probe.Is("gmfn_foreign(its own into the other domain)"u8, Map(0x400, 0x3000, _domain, 4, _domain));
        Probe.Is("populate_physmap(where a page of ours is)"u8, Reserve(6, Place + 5, 0, 1, 0, Probe.Self));
        Probe.Is("gmfn_foreign(over memory of ours)"u8, Map(0x400, Place + 5, _domain));
        Probe.Is("gmfn(foreign memory as ours)"u8, Map(Place, Place + 6, 0, 2));
        Probe.Is("decrease_reservation(foreign memory)"u8, Reserve(1, Place, 0, 1, 0, Probe.Self));
        Probe.Is("decrease_reservation(the page itself)"u8, Reserve(1, 0x400));
        Pages();
        Probe.Is("gmfn_foreign(when it is gone)"u8, Map(0x400, Place + 2, _domain));
        Probe.Is("remove_from_physmap(first)"u8, Remove(Place));
        Probe.Is("remove_from_physmap(again)"u8, Remove(Place));
        Pages();
        Probe.Is("remove_from_physmap(second)"u8, Remove(Place + 1));
        Probe.Is("remove_from_physmap(third)"u8, Remove(Place + 5));
        Pages();
    }

    private static void Moves()
    {
        A.Clear().Put16(0, _domain).Put32(4, 0).Put64(8, 0).Put64(16, 0x3100);
        Probe.Is("add_to_physmap(its shared info)"u8, Op(7));
        Probe.Is("gmfn_foreign(its shared info)"u8, Map(0x3100, Place, _domain));
        Probe.Is("remove_from_physmap(that)"u8, Remove(Place));
        A.Clear().Put16(0, _domain).Put32(4, 1).Put64(8, 0).Put64(16, 0x3101);
        Probe.Is("add_to_physmap(its grant table)"u8, Op(7));
        Probe.Is("gmfn_foreign(its grant table)"u8, Map(0x3101, Place, _domain));
        Probe.Is("remove_from_physmap(that)"u8, Remove(Place));
        A.Clear().Put16(0, _domain).Put32(4, 1).Put64(8, 64).Put64(16, 0x3102);
        Probe.Is("add_to_physmap(its grant table, beyond)"u8, Op(7));
        A.Clear().Put16(0, _domain).Put32(4, 2).Put64(8, 0x420).Put64(16, 0x3103);
        Probe.Is("add_to_physmap(gmfn)"u8, Op(7));
        A.Clear().Put16(0, _domain).Put32(4, 2).Put64(8, 0x3100).Put64(16, 0x3104);
        Probe.Is("add_to_physmap(gmfn, its shared info)"u8, Op(7));
        A.Clear().Put16(0, _domain).Put16(2, 4).Put32(4, 3).Put64(8, 0x430).Put64(16, 0x3110);
        Probe.Is("add_to_physmap(gmfn_range)"u8, Op(7));
        A.Clear().Put16(0, _domain).Put32(4, 5).Put64(8, 0x430).Put64(16, 0x3110);
        Probe.Is("add_to_physmap(dev_mmio)"u8, Op(7));
        Pages();
        Probe.Is("remove_from_physmap(its memory)"u8, Remove(0x3110, _domain));
        Probe.Is("remove_from_physmap(its memory, again)"u8, Remove(0x3110, _domain));
        Probe.Is("remove_from_physmap(its shared info)"u8, Remove(0x3100, _domain));
        Pages();
    }

    private static long Acquire(uint type, uint id, uint count, ulong frame, ulong list)
    {
        A.Clear().Put16(0, _domain).Put16(2, (ushort)type).Put32(4, id).Put32(8, count).Put64(16, frame).Put64(24, list);
        return Op(28);
    }

    private static void Resources()
    {
        for (uint type = 0; type < 4; type++)
        {
            foreach (uint id in (ReadOnlySpan<uint>)[0, 1, 2, 0x10000])
            {
                Probe.Numbered("acquire_resource(size of type "u8, type, Acquire(type, id, 0, 0, 0));
                Report.Decimal("id"u8, id);
                Report.Decimal("frames"u8, A.Get32(8));
                B.Clear().Put64(0, Place + 8);
                Probe.Numbered("acquire_resource(first frame of type "u8, type, Acquire(type, id, 1, 0, B.Address));
                Report.Decimal("id"u8, id);
                Probe.Is("remove_from_physmap"u8, Remove(Place + 8));
            }
        }

        for (int i = 0; i < 70; i++)
            C.Put64(i * 8, Place + 16 + (ulong)i);
        Probe.Is("acquire_resource(all grant frames)"u8, Acquire(1, 0, 64, 0, C.Address));
        Probe.Is("acquire_resource(the same once more)"u8, Acquire(1, 0, 64, 0, C.Address));
        Probe.Is("acquire_resource(one too many)"u8, Acquire(1, 0, 65, 0, C.Address));
        Probe.Is("acquire_resource(beyond)"u8, Acquire(1, 0, 1, 64, C.Address));
        Probe.Is("acquire_resource(none)"u8, Acquire(1, 0, 0, 0, C.Address));
        Probe.Is("acquire_resource(2^32)"u8, Acquire(1, 0, 1, 1UL << 32, C.Address));
        Probe.Is("acquire_resource(unmapped list)"u8, Acquire(1, 0, 1, 0, Probe.Unmapped));
        Probe.Is("gmfn_foreign(over an acquired frame)"u8, Map(0x420, Place + 16, _domain));
        Probe.Is("gmfn_foreign(over an acquired frame, memory)"u8, Map(0x440, Place + 16, _domain));
        Probe.Is("gmfn_foreign(over foreign memory)"u8, Map(0x441, Place + 16, _domain));
        Probe.Is("remove_from_physmap"u8, Remove(Place + 16));
        Probe.Is("decrease_reservation(an acquired frame)"u8, Reserve(1, Place + 17, 0, 1, 0, Probe.Self));
        for (int i = 1; i < 64; i++)
            Remove(Place + 16 + (ulong)i);
    }

    private static void Queries()
    {
        B.Clear().Put64(8, 0x100000).Put32(16, 1);
        A.Clear().Put16(0, _domain).Put32(8, 1).Put64(16, B.Address);
        Probe.Is("set_memory_map"u8, Op(13));
        Pages();
        A.Clear().Put16(32, _domain);
        Probe.Is("set_pod_target(0)"u8, Op(16));
        Report.Hex("total"u8, A.Get64(8));
        Report.Hex("cache"u8, A.Get64(16));
        Report.Hex("entries"u8, A.Get64(24));
        A.Put64(0, 8192);
        Probe.Is("set_pod_target(above the limit)"u8, Op(16));
        A.Put64(0, 100);
        Probe.Is("set_pod_target(100)"u8, Op(16));
        Probe.Is("get_pod_target"u8, Op(17));
        Report.Hex("total"u8, A.Get64(8));
        A.Clear().Put16(0, _domain);
        Probe.Is("get_vnumainfo"u8, Op(26));
        for (uint operation = 0; operation < 8; operation++)
        {
            A.Clear().Put8(0, (byte)operation).Put16(2, _domain);
            Probe.Numbered("access_op("u8, operation, Op(21));
            A.Clear().Put16(0, _domain).Put8(2, (byte)operation);
            Probe.Numbered("paging_op("u8, operation, Op(20));
            A.Clear().Put8(0, (byte)operation).Put16(2, _domain);
            Probe.Numbered("sharing_op("u8, operation, Op(22));
        }
    }

    private static void End()
    {
        Probe.Is("populate_physmap(on demand)"u8, Reserve(6, 0x3000, 0, 1, 1 << 16));
        Pages();
        Probe.Is("gmfn_foreign(a page)"u8, Map(0x440, Place, _domain));
        long result;
        do
        {
            Start(2);
            result = Domctl();
        }
        while (result is -11 or -85);
        Probe.Is("destroydomain"u8, result);
        Pages();
        Probe.Is("gmfn_foreign(the same page)"u8, Map(0x440, Place + 1, _domain));
        Probe.Is("gmfn_foreign(another page)"u8, Map(0x441, Place + 1, _domain));
        Probe.Is("populate_physmap"u8, Reserve(6, 0x5000));
        Probe.Is("increase_reservation"u8, Reserve(0, 0x5000));
        Probe.Is("decrease_reservation"u8, Reserve(1, 0x440));
        A.Clear().Put16(0, _domain).Put32(4, 0).Put64(8, 0).Put64(16, 0x3100);
        Probe.Is("add_to_physmap(shared info)"u8, Op(7));
        A.Clear().Put16(0, _domain).Put32(4, 2).Put64(8, 0x440).Put64(16, 0x3100);
        Probe.Is("add_to_physmap(gmfn)"u8, Op(7));
        A.Clear().Put64(8, 5000).Put16(24, _domain);
        Probe.Is("claim_pages"u8, Op(24));
        Probe.Is("acquire_resource(grant table)"u8, Acquire(1, 0, 1, 0, C.Address));
        Remove(Place + 16);
        Probe.Is("remove_from_physmap"u8, Remove(Place));
        Pages();
    }
}
