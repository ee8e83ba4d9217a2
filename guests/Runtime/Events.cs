// SPDX-License-Identifier: MIT
// The shared info page and 2-level event channels (`xen/include/public/xen.h`, `event_channel.h`): set-up, and the upcall that counts.

using System;
using System.Numerics;
using System.Threading;

namespace XenSharp.Guests;

public static unsafe class Events
{
    private const int VcpuInfoSize = 64, PendingOffset = 2048, MaskOffset = 2560, CountedPorts = 256;

    private struct Counters
    {
        public fixed int Count[CountedPorts];
    }

    private static Counters s_counters;
    private static int s_upcalls;

    /// <summary>The page that becomes shared_info; its own memory is given up by <see cref="MapSharedInfo"/>.</summary>
    public static Page SharedInfo => new(Page.Count - 1);

    public static int Upcalls => Volatile.Read(ref s_upcalls);

    /// <summary>XENMEM_add_to_physmap of the shared info page.</summary>
    public static long MapSharedInfo()
    {
        byte* argument = stackalloc byte[24];
        new Span<byte>(argument, 24).Clear();
        *(ushort*)argument = 0x7ff0;
        *(ulong*)(argument + 16) = SharedInfo.Frame;
        return Native.Hypercall(Call.MemoryOp, 7, (ulong)argument, 0, 0, 0);
    }

    /// <summary>HVM_PARAM_CALLBACK_IRQ: upcalls of all vCPUs come by <see cref="Traps.CallbackVector"/>.</summary>
    public static long UseCallbackVector() => SetParameter(0, (2UL << 56) | Traps.CallbackVector);

    /// <summary>HVMOP_set_evtchn_upcall_vector: upcalls of this vCPU come through its local APIC.</summary>
    public static long UseLapicVector(uint vcpu, byte vector = Traps.LapicUpcallVector)
    {
        uint* argument = stackalloc uint[2];
        argument[0] = vcpu;
        argument[1] = vector;
        return Native.Hypercall(Call.HvmOp, 23, (ulong)argument, 0, 0, 0);
    }

    public static long SetParameter(uint index, ulong value)
    {
        byte* argument = stackalloc byte[16];
        *(uint*)argument = 0x7ff0;
        *(uint*)(argument + 4) = index;
        *(ulong*)(argument + 8) = value;
        return Native.Hypercall(Call.HvmOp, 0, (ulong)argument, 0, 0, 0);
    }

    /// <summary>How often the port's event arrived by upcall.</summary>
    public static int Count(uint port) => port < CountedPorts ? Volatile.Read(ref s_counters.Count[port]) : 0;

    // SAFETY: the shared info page is mapped for the kernel's life; slot numbers are bounded by its layout.
    public static bool UpcallPending(uint vcpu) => Volatile.Read(ref *Info(vcpu)) != 0;

    public static bool Pending(uint port) => (Volatile.Read(ref *Word(PendingOffset, port)) >> (int)(port & 63) & 1) != 0;

    public static bool Masked(uint port) => (Volatile.Read(ref *Word(MaskOffset, port)) >> (int)(port & 63) & 1) != 0;

    public static void Mask(uint port) => Interlocked.Or(ref *Word(MaskOffset, port), 1UL << (int)(port & 63));

    /// <summary>Clears the mask bit alone; an event that is pending already is not announced by that.</summary>
    public static void ClearMask(uint port) => Interlocked.And(ref *Word(MaskOffset, port), ~(1UL << (int)(port & 63)));

    public static void ClearPending(uint port) => Interlocked.And(ref *Word(PendingOffset, port), ~(1UL << (int)(port & 63)));

    public static void ClearUpcall(uint vcpu)
    {
        *(ulong*)(Info(vcpu) + 8) = 0;
        Volatile.Write(ref *Info(vcpu), 0);
    }

    public static ulong Selector(uint vcpu) => Volatile.Read(ref *(ulong*)(Info(vcpu) + 8));

    /// <summary>evtchn_upcall_mask: PVH kernels use the interrupt flag instead, and the hypervisor keeps it for them.</summary>
    public static byte UpcallMask(uint vcpu) => *(Info(vcpu) + 1);

    private static uint s_watchedPort;
    private static ulong s_watchPeriod, s_watchDeadline, s_watchLate;

    /// <summary>Keeps a one-shot timer armed, a period after each of its upcalls, and notes by how much the latest of them is late.</summary>
    public static void WatchTimer(uint port, ulong periodNs)
    {
        s_watchLate = 0;
        s_watchPeriod = periodNs;
        s_watchedPort = port;
        ArmWatch();
    }

    /// <summary>Stops the timer; gives the largest lateness in ns.</summary>
    public static ulong StopWatching()
    {
        ClearPending(s_watchedPort);
        s_watchedPort = 0;
        Native.Hypercall(Call.VcpuOp, 9, (ulong)Smp.Current, 0, 0, 0);
        ClearUpcall((uint)Smp.Current);
        return s_watchLate;
    }

    private static void ArmWatch()
    {
        ulong* argument = stackalloc ulong[2];
        s_watchDeadline = Clock.Now() + s_watchPeriod;
        argument[0] = s_watchDeadline;
        argument[1] = 0;
        Native.Hypercall(Call.VcpuOp, 8, (ulong)Smp.Current, (ulong)argument, 0, 0);
    }

    private static void NoteWatch()
    {
        s_watchLate = Math.Max(s_watchLate, Clock.Now() - s_watchDeadline);
        ArmWatch();
    }

    internal static void Upcall()
    {
        Interlocked.Increment(ref s_upcalls);
        byte* info = Info((uint)Smp.Current);
        Volatile.Write(ref *info, 0);
        ulong selector = Interlocked.Exchange(ref *(ulong*)(info + 8), 0);
        while (selector != 0)
        {
            int word = BitOperations.TrailingZeroCount(selector);
            selector &= selector - 1;
            ref ulong pendingWord = ref *(ulong*)(SharedInfo.Address + PendingOffset + ((ulong)word * 8));
            ulong pending = Volatile.Read(ref pendingWord) & ~Volatile.Read(ref *(ulong*)(SharedInfo.Address + MaskOffset + ((ulong)word * 8)));
            Interlocked.And(ref pendingWord, ~pending);
            for (; pending != 0; pending &= pending - 1)
            {
                int port = (word * 64) + BitOperations.TrailingZeroCount(pending);
                if (port == (int)s_watchedPort && port != 0)
                    NoteWatch();
                if (port < CountedPorts)
                    Interlocked.Increment(ref s_counters.Count[port]);
            }
        }
    }

    private static byte* Info(uint vcpu) => (byte*)(SharedInfo.Address + ((vcpu & 31) * VcpuInfoSize));

    private static ulong* Word(int offset, uint port) => (ulong*)(SharedInfo.Address + (ulong)offset + ((port >> 6 & 63) * 8));
}
