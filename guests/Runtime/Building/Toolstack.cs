// SPDX-License-Identifier: MIT
// The hypercalls of a toolstack, one method each. Results are the hypervisor's. Kernels that build guests call them, GuestDomain first of all.

using System;

namespace XenSharp.Guests.Building;

/// <summary>Argument structures are built in scratch pages 0 to 3 (`xen/include/public/domctl.h`, `memory.h`, `event_channel.h`).</summary>
public static class Toolstack
{
    private const uint DomctlVersion = 0x15, SysctlVersion = 0x15;
    private const ushort ForeignSpace = 4;

    /// <summary>Frames in one call of <see cref="MapForeign"/>.</summary>
    public const int Batch = 64;

    public const long Again = -11, NoProcess = -3;

    private static Page A => new(0);

    private static Page B => new(1);

    private static Page C => new(2);

    private static Page D => new(3);

    public static long Create(uint vcpus, out ushort id)
    {
        A.Clear().Put32(0, 1).Put32(4, DomctlVersion).Put16(8, 0xffff).Put32(36, 3).Put32(44, vcpus).Put32(48, 1023)
            .Put32(52, uint.MaxValue).Put32(56, uint.MaxValue).Put32(60, 2).Put32(72, 1);
        long result = Op();
        id = A.Get16(8);
        return result;
    }

    public static long MaxVcpus(ushort id, uint count)
    {
        Start(15, id).Put32(16, count);
        return Op();
    }

    public static long MaxMemory(ushort id, ulong kib)
    {
        Start(11, id).Put64(16, kib);
        return Op();
    }

    public static long SetPagingPool(ushort id, ulong bytes)
    {
        Start(86, id).Put64(16, bytes);
        return Op();
    }

    public static long Pause(ushort id)
    {
        Start(3, id);
        return Op();
    }

    public static long Unpause(ushort id)
    {
        Start(4, id);
        return Op();
    }

    public static long Destroy(ushort id)
    {
        Start(2, id);
        return Op();
    }

    /// <summary>XEN_DOMCTL_soft_reset of a domain that has shut down.</summary>
    public static long SoftReset(ushort id)
    {
        Start(79, id);
        return Op();
    }

    /// <summary>XEN_DOMINF_* flags; a result below 0, or another domain's id, when the domain is gone.</summary>
    public static long GetInfo(ushort id, out ushort found, out uint flags)
    {
        Start(5, id);
        long result = Op();
        found = A.Get16(16);
        flags = A.Get32(20);
        return result;
    }

    /// <summary>Pages that the domain has; 0 when it is gone.</summary>
    public static ulong Pages(ushort id) => GetInfo(id, out ushort found, out _) == 0 && found == id ? A.Get64(24) : 0;

    /// <summary>XENMEM_populate_physmap of 2^order frames at each of the frames listed.</summary>
    public static long Populate(ushort id, ulong first, int count, uint order, uint flags = 0)
    {
        for (int i = 0; i < count; i++)
            B.Put64(i * 8, first + ((ulong)i << (int)order));
        A.Clear().Put64(0, B.Address).Put64(8, (ulong)count).Put32(16, order).Put32(20, flags).Put16(24, id);
        return Hypercall.Make(Call.MemoryOp, 6, A.Address);
    }

    /// <summary>XENMEM_set_pod_target.</summary>
    public static long SetTarget(ushort id, ulong pages)
    {
        A.Clear().Put64(0, pages).Put16(32, id);
        return Hypercall.Make(Call.MemoryOp, 16, A.Address);
    }

    /// <summary>XENMEM_add_to_physmap_batch: the domain's frames appear at ours.</summary>
    public static long MapForeign(ushort id, ulong theirs, ulong ours, int count)
    {
        for (int i = 0; i < count; i++)
        {
            B.Put64(i * 8, theirs + (ulong)i);
            C.Put64(i * 8, ours + (ulong)i);
            D.Put32(i * 4, 0);
        }

        A.Clear().Put16(0, 0x7ff0).Put16(2, ForeignSpace).Put16(4, (ushort)count).Put16(6, id).Put64(8, B.Address).Put64(16, C.Address).Put64(24, D.Address);
        long result = Hypercall.Make(Call.MemoryOp, 23, A.Address);
        for (int i = 0; i < count && result == 0; i++)
            result = (int)D.Get32(i * 4);
        return result;
    }

    public static void Unmap(ulong ours, int count)
    {
        for (int i = 0; i < count; i++)
        {
            A.Clear().Put16(0, 0x7ff0).Put64(8, ours + (ulong)i);
            Hypercall.Make(Call.MemoryOp, 15, A.Address);
        }
    }

    /// <summary>XEN_DOMCTL_gethvmcontext into consecutive scratch pages.</summary>
    public static long GetContext(ushort id, Page first, uint size)
    {
        Start(33, id).Put32(16, size).Put64(24, first.Address);
        return Op();
    }

    public static long SetContext(ushort id, Page first, uint size)
    {
        Start(34, id).Put32(16, size).Put64(24, first.Address);
        return Op();
    }

    /// <summary>EVTCHNOP_alloc_unbound for the domain, towards us.</summary>
    public static long AllocateUnbound(ushort id, out uint port)
    {
        A.Clear().Put16(0, id).Put16(2, 0x7ff0);
        long result = Hypercall.Make(Call.EventChannelOp, 6, A.Address);
        port = A.Get32(4);
        return result;
    }

    public static long BindInterdomain(ushort id, uint theirs, out uint port)
    {
        A.Clear().Put16(0, id).Put32(4, theirs);
        long result = Hypercall.Make(Call.EventChannelOp, 0, A.Address);
        port = A.Get32(8);
        return result;
    }

    public static long BindVirq(uint virq, out uint port)
    {
        A.Clear().Put32(0, virq).Put32(4, 0);
        long result = Hypercall.Make(Call.EventChannelOp, 1, A.Address);
        port = A.Get32(8);
        return result;
    }

    public static void Close(uint port)
    {
        A.Clear().Put32(0, port);
        Hypercall.Make(Call.EventChannelOp, 3, A.Address);
    }

    /// <summary>SCHEDOP_poll for one port until a system time; the port's event is taken.</summary>
    public static void Wait(uint port, ulong untilNs)
    {
        B.Put32(0, port);
        A.Clear().Put64(0, B.Address).Put32(8, 1).Put64(16, untilNs);
        Hypercall.Make(Call.SchedOp, 3, A.Address);
        Events.ClearPending(port);
    }

    /// <summary>Free pages of the machine (XEN_SYSCTL_physinfo).</summary>
    public static ulong FreePages()
    {
        A.Clear().Put32(0, 3).Put32(4, SysctlVersion);
        Hypercall.Make(Call.Sysctl, A.Address);
        return A.Get64(56);
    }

    /// <summary>Our ports in use.</summary>
    public static uint UsedPorts()
    {
        uint used = 0;
        for (uint port = 0; port < 1024; port++)
        {
            A.Clear().Put16(0, 0x7ff0).Put32(4, port);
            if (Hypercall.Make(Call.EventChannelOp, 5, A.Address) == 0 && A.Get32(8) != 0)
                used++;
        }

        return used;
    }

    private static Page Start(uint command, ushort id) => A.Clear().Put32(0, command).Put32(4, DomctlVersion).Put16(8, id);

    private static long Op() => Hypercall.Make(Call.Domctl, A.Address);
}
