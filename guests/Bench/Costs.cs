// SPDX-License-Identifier: MIT
// The usual costs: what a guest does all day.

using System;

namespace XenSharp.Guests.Bench;

internal enum Operation
{
    Empty,
    NullHypercall,
    Multicall32,
    Cpuid,
    ReadEfer,
    Rdtsc,
    ReloadCr3,
    SendIpi,
    SendInterdomain,
    SendMasked,
    AllocClose,
    Status,
    Yield,
    SetSingleShot,
    StopSingleShot,
    SetTimer,
    Runstate,
    MaximumRamPage,
    PopulateDecrease,
    GrantCopyPage,
    GrantCopy64,
    GrantMapUnmap,
    RoundTrip,
    QuerySize,
    X2ApicEoi,
    ReadPort,
}

internal static class Costs
{
    private const int Batches = 15;

    private static ulong s_pair;

    private static Page Argument => new(0);

    private static Page Second => new(1);

    private static Page List => new(2);

    private static Page Frames => new(3);

    private static Page Victim => new(24);

    private static Page Target => new(22);

    // Guest frames without memory.
    private const ulong Hole = 0x100030;

    private const ushort Self = 0x7ff0;

    private static uint s_ipi, s_left, s_right, s_masked, s_timer;

    private static ushort s_other;
    private static uint s_otherPort;

    // Grants are named by the granter's number; DOMID_SELF is none when mapping.
    private static ushort Granter => s_other == Self ? (ushort)0 : s_other;

    /// <summary>Of this domain with itself.</summary>
    public static void Run()
    {
        s_other = Self;
        SetUp();
        Calibrate();
        Measure("null_hypercall"u8, Operation.NullHypercall, 200);
        Measure("multicall_32"u8, Operation.Multicall32, 20);
        Measure("cpuid"u8, Operation.Cpuid, 200);
        Measure("rdmsr_efer"u8, Operation.ReadEfer, 200);
        Measure("rdtsc"u8, Operation.Rdtsc, 200);
        Measure("mov_cr3"u8, Operation.ReloadCr3, 200);
        Measure("in_port_42"u8, Operation.ReadPort, 100);
        Measure("event_status"u8, Operation.Status, 100);
        Measure("event_send_masked"u8, Operation.SendMasked, 100);
        Measure("event_alloc_close"u8, Operation.AllocClose, 50);
        Measure("yield"u8, Operation.Yield, 50);
        Measure("set_singleshot_timer"u8, Operation.SetSingleShot, 100);
        Measure("stop_singleshot_timer"u8, Operation.StopSingleShot, 100);
        Measure("set_timer_op"u8, Operation.SetTimer, 100);
        Measure("get_runstate_info"u8, Operation.Runstate, 100);
        Measure("maximum_ram_page"u8, Operation.MaximumRamPage, 100);
        Measure("populate_decrease"u8, Operation.PopulateDecrease, 20);
        Measure("grant_query_size"u8, Operation.QuerySize, 100);
        Measure("grant_copy_64"u8, Operation.GrantCopy64, 50);
        Measure("grant_copy_4096"u8, Operation.GrantCopyPage, 50);
        Measure("grant_map_unmap"u8, Operation.GrantMapUnmap, 50);

        Machine.EnableInterrupts();
        Measure("event_self_callback_vector"u8, Operation.SendIpi, 50);
        Measure("event_interdomain_self_callback_vector"u8, Operation.SendInterdomain, 50);
        Machine.DisableInterrupts();
        TimerLatency("timer_block_callback_vector"u8);
        LocalApic.Enable();
        Measure("x2apic_eoi"u8, Operation.X2ApicEoi, 100);
        if (Events.UseLapicVector(0) == 0)
        {
            Machine.EnableInterrupts();
            Measure("event_self_apic_vector"u8, Operation.SendIpi, 50);
            Machine.DisableInterrupts();
            TimerLatency("timer_block_apic_vector"u8);
        }

        Report.Begin("events delivered"u8);
        Report.Flag("all"u8, Events.Count(s_ipi) > 0 && Events.Count(s_right) > 0);
    }

    /// <summary>Of this domain with another one, which runs <see cref="Peer"/>.</summary>
    /// <param name="port">Ours of an event channel with it; its upcall is enabled.</param>
    public static void RunWith(ushort peer, uint port)
    {
        s_other = peer;
        s_otherPort = port;
        Frames.Put64(0, Victim.Frame);
        Calibrate();
        Measure("populate_decrease"u8, Operation.PopulateDecrease, 20);
        Measure("grant_map_unmap"u8, Operation.GrantMapUnmap, 50);
        Expect(Argument.Get16(18) == 0 && Argument.Get16(84) == 0);
        Measure("grant_copy_64"u8, Operation.GrantCopy64, 50);
        Measure("grant_copy_4096"u8, Operation.GrantCopyPage, 50);
        Expect(Argument.Get16(36) == 0 && Target.Get64(0) == Peer.Word);
        Measure("event_alloc_close"u8, Operation.AllocClose, 50);
        Measure("yield"u8, Operation.Yield, 50);
        Measure("event_switch"u8, Operation.RoundTrip, 20, 2);
    }

    private static void SetUp()
    {
        Check(Events.MapSharedInfo());
        Check(Events.UseCallbackVector());
        for (int i = 0; i < 32; i++)
            List.Put64(i * 64, Call.XenVersion);
        s_ipi = Bind(7, 0, 0, 4);
        s_left = Bind(6, 0x7ff07ff0, 0, 4);
        s_right = Bind(0, 0x7ff0, s_left, 8);
        s_masked = Bind(7, 0, 0, 4);
        s_timer = Bind(1, 0, 0, 8);
        Events.ClearMask(s_ipi);
        Events.ClearMask(s_left);
        Events.ClearMask(s_right);
        Events.ClearMask(s_timer);
        Events.Mask(s_masked);
        Frames.Put64(0, Victim.Frame);
        Grants.Offer(0);

        // That page stays mapped: it has no other place in this domain, so it can be mapped again and again.
        Argument.Clear().Put64(0, Hole << 12).Put32(8, 2).Put32(12, Grants.MappedReference);
        Check(Hypercall.Make(Call.GrantTableOp, 0, Argument.Address, 1));
    }

    private static uint Bind(uint operation, uint first, uint second, int result)
    {
        Argument.Clear().Put32(0, first).Put32(4, second);
        Check(Hypercall.Make(Call.EventChannelOp, operation, Argument.Address));
        return Argument.Get32(result);
    }

    private static void Check(long result)
    {
        if (result < 0)
            Machine.Fail("a step of the set-up failed"u8);
    }

    private static void Expect(bool good)
    {
        if (!good)
            Machine.Fail("an operation was refused"u8);
    }

    // The empty loop: what is left of an operation that is none.
    private static void Calibrate()
    {
        s_pair = Minimum(Operation.Empty, 0);
        ulong best = ulong.MaxValue;
        for (int batch = 0; batch < Batches; batch++)
        {
            ulong start = Machine.Rdtsc();
            Machine.EmptyLoop(10000);
            best = Math.Min(best, Machine.Rdtsc() - start - s_pair);
        }

        Print("empty_loop"u8, best * 100 / 10000);
    }

    private static void Measure(ReadOnlySpan<byte> name, Operation operation, int count, int parts = 1)
    {
        Prepare(operation);
        ulong loop = Minimum(Operation.Empty, count), cost = Minimum(operation, count);
        Print(name, cost <= loop ? 0 : (cost - loop) * 100 / (ulong)(count * parts));
    }

    public static void Print(ReadOnlySpan<byte> name, ulong hundredths)
    {
        Report.Begin("bench "u8);
        Report.Add(name);
        Text digits = new(stackalloc byte[24]);
        digits.Add(" "u8).Decimal(hundredths / 100).Add("."u8).Decimal(hundredths / 10 % 10).Decimal(hundredths % 10);
        Report.Add(digits.Bytes);
        Report.Flush();
    }

    private static ulong Minimum(Operation operation, int count)
    {
        ulong best = ulong.MaxValue;
        for (int batch = 0; batch < Batches; batch++)
        {
            ulong start = Machine.Rdtsc();
            for (int i = 0; i < count; i++)
                Perform(operation);
            best = Math.Min(best, Machine.Rdtsc() - start);
        }

        return best;
    }

    private static void Prepare(Operation operation)
    {
        Argument.Clear();
        switch (operation)
        {
            case Operation.SendIpi:
                Argument.Put32(0, s_ipi);
                break;
            case Operation.RoundTrip:
                Argument.Put32(0, s_otherPort);
                break;
            case Operation.SendInterdomain:
                Argument.Put32(0, s_left);
                break;
            case Operation.SendMasked:
                Argument.Put32(0, s_masked);
                break;
            case Operation.AllocClose:
                Argument.Put16(0, Self).Put16(2, s_other);
                break;
            case Operation.Status:
                Argument.Put16(0, 0x7ff0).Put32(4, s_ipi);
                break;
            case Operation.SetSingleShot:
                Argument.Put64(0, Clock.Now() + 3600000000000);
                break;
            case Operation.PopulateDecrease:
                Argument.Put64(0, Frames.Address).Put64(8, 1).Put16(24, 0x7ff0);
                break;
            case Operation.QuerySize:
                Argument.Put16(0, 0x7ff0);
                break;
            case Operation.GrantCopyPage:
            case Operation.GrantCopy64:
                Argument.Put64(0, Grants.CopiedReference).Put16(8, Granter).Put64(16, Target.Frame).Put16(24, Self).Put16(32, (ushort)(operation == Operation.GrantCopy64 ? 64 : 4096)).Put16(34, 1);
                break;
            case Operation.GrantMapUnmap:
                Argument.Put64(0, (Hole + 1) << 12).Put32(8, 2).Put32(12, Grants.MappedReference).Put16(16, Granter).Put64(64, (Hole + 1) << 12);
                break;
        }
    }

    private static void Perform(Operation operation)
    {
        ulong argument = Argument.Address;
        switch (operation)
        {
            case Operation.NullHypercall:
                Hypercall.Fast(Call.XenVersion, 0, 0, 0);
                break;
            case Operation.Multicall32:
                Hypercall.Fast(Call.Multicall, List.Address, 32, 0);
                break;
            case Operation.Cpuid:
                Machine.Cpuid(1);
                break;
            case Operation.ReadEfer:
                Machine.TryReadMsr(0xc0000080, out _);
                break;
            case Operation.Rdtsc:
                Machine.Rdtsc();
                break;
            case Operation.ReloadCr3:
                Machine.ReloadPageTables();
                break;
            case Operation.ReadPort:
                Machine.In8(0x42);
                break;
            case Operation.SendIpi:
            case Operation.SendInterdomain:
            case Operation.SendMasked:
                Hypercall.Fast(Call.EventChannelOp, 4, argument, 0);
                break;
            case Operation.AllocClose:
                Hypercall.Fast(Call.EventChannelOp, 6, argument, 0);
                Second.Put32(0, Argument.Get32(4));
                Hypercall.Fast(Call.EventChannelOp, 3, Second.Address, 0);
                break;
            case Operation.Status:
                Hypercall.Fast(Call.EventChannelOp, 5, argument, 0);
                break;
            case Operation.Yield:
                Hypercall.Fast(Call.SchedOp, 0, 0, 0);
                break;
            case Operation.SetSingleShot:
                Hypercall.Fast(Call.VcpuOp, 8, 0, argument);
                break;
            case Operation.StopSingleShot:
                Hypercall.Fast(Call.VcpuOp, 9, 0, 0);
                break;
            case Operation.SetTimer:
                Hypercall.Fast(Call.SetTimerOp, 1UL << 60, 0, 0);
                break;
            case Operation.Runstate:
                Hypercall.Fast(Call.VcpuOp, 4, 0, argument);
                break;
            case Operation.MaximumRamPage:
                Hypercall.Fast(Call.MemoryOp, 2, 0, 0);
                break;
            case Operation.PopulateDecrease:
                Hypercall.Fast(Call.MemoryOp, 1, argument, 0);
                Hypercall.Fast(Call.MemoryOp, 6, argument, 0);
                break;
            case Operation.QuerySize:
                Hypercall.Fast(Call.GrantTableOp, 6, argument, 1);
                break;
            case Operation.GrantCopyPage:
            case Operation.GrantCopy64:
                Hypercall.Fast(Call.GrantTableOp, 5, argument, 1);
                break;
            case Operation.GrantMapUnmap:
                Hypercall.Fast(Call.GrantTableOp, 0, argument, 1);
                Argument.Put32(80, Argument.Get32(20));
                Hypercall.Fast(Call.GrantTableOp, 1, argument + 64, 1);
                break;
            case Operation.X2ApicEoi:
                LocalApic.EndOfInterrupt();
                break;
            case Operation.RoundTrip:
                int before = Events.Count(s_otherPort);
                Hypercall.Fast(Call.EventChannelOp, 4, argument, 0);
                while (Events.Count(s_otherPort) == before)
                    Machine.Halt();
                break;
        }
    }

    // A one-shot timer 100 us ahead, then sleep: by how much the return from the upcall is later than the deadline.
    private static void TimerLatency(ReadOnlySpan<byte> name)
    {
        ulong best = ulong.MaxValue;
        for (int batch = 0; batch < Batches; batch++)
        {
            int before = Events.Count(s_timer);
            ulong deadline = Clock.Now() + 100000;
            Argument.Clear().Put64(0, deadline);
            Hypercall.Fast(Call.VcpuOp, 8, 0, Argument.Address);
            while (Events.Count(s_timer) == before)
                Machine.Halt();
            best = Math.Min(best, Clock.Now() - deadline);
        }

        Print(name, best * 100);
    }
}
