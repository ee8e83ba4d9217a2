// SPDX-License-Identifier: MIT
// What a guest under a toolstack does to harm others, for the tests that those go on: `hostile=KIND`. None of it ends by itself.

using System;

namespace XenSharp.Guests.Basics;

internal static class HostileGuest
{
    private const uint ConsolePortParameter = 18;
    private const int Dom0 = 0;

    private static Page Argument => new(0);

    // What the other vCPUs do; their arguments are theirs.
    private static Page Plan => new(13);

    public static void Run(uint kind)
    {
        if (!StoreRing.Find())
            Machine.Fail("no xenstore ring"u8);
        Plan.Clear().Put32(0, kind).Put32(4, StoreRing.Port).Put32(8, (uint)StoreRing.Parameter(ConsolePortParameter));
        Report.Begin("hostile"u8);
        Report.Decimal("kind"u8, kind);
        Report.Flush();
        switch (kind)
        {
            case 1 or 2:
                StartOthers();
                Work(0);
                break;
            case 3:
                TakeAll();
                break;
            case 4:
                FillStore();
                break;
            case 5:
                while (true)
                    Report.Line("all work and no play makes a console log long; all work and no play makes a console log long"u8);
        }

        while (true)
            Hypercall.Make(Call.SchedOp, 1);
    }

    /// <summary>Without an end: spins, or sends events to both ports of dom0's daemons.</summary>
    public static void Work(int vcpu)
    {
        bool sends = Plan.Get32(0) == 2;
        while (true)
        {
            if (!sends)
            {
                Machine.EmptyLoop(1_000_000);
                continue;
            }

            EventPorts.Send(Plan.Get32(4));
            EventPorts.Send(Plan.Get32(8));
        }
    }

    private static void StartOthers()
    {
        for (int vcpu = 1; vcpu < 8 && Hypercall.Make(Call.VcpuOp, 3, (ulong)vcpu) >= 0; vcpu++)
        {
            SmpTest.GiveBeforeStart(vcpu, Duty.Harm);
            EventPorts.Check(Smp.StartByHypercall(vcpu), "vCPU"u8);
            while ((Smp.Online >> vcpu & 1) == 0)
                Hypercall.Make(Call.SchedOp, 0);
        }

        Report.Begin("hostile"u8);
        Report.Hex("vcpus"u8, Smp.Online | 1);
        Report.Flush();
    }

    private static void TakeAll()
    {
        uint ports = 0;
        while (Argument.Clear().Put16(0, 0x7ff0).Put16(2, Dom0).Address != 0 && Hypercall.Make(Call.EventChannelOp, 6, Argument.Address) == 0)
            ports++;
        uint frames = 0;
        while (TinyGuest.MapGrantFrame(frames) == 0)
            frames++;
        uint pages = 0;
        while (TinyGuest.Populate(0x40000 + pages) == 1)
            pages++;
        Report.Begin("hostile took"u8);
        Report.Decimal("ports"u8, ports);
        Report.Decimal("grant_frames"u8, frames);
        Report.Decimal("pages"u8, pages);
        Report.Flush();
    }

    // Nodes, watches and transactions until each is refused; then requests whose replies nobody reads, without an end.
    private static void FillStore()
    {
        uint nodes = Fill(StoreRing.Write, "data/n"u8, "\0a value of some length, so that it takes memory"u8);
        uint watches = Fill(StoreRing.Watch, "data/w"u8, "\0token\0"u8);
        uint transactions = 0;
        while (transactions < 100_000 && StoreRing.Ask(StoreRing.TransactionStart, "\0"u8))
            transactions++;
        Report.Begin("hostile took"u8);
        Report.Decimal("nodes"u8, nodes);
        Report.Decimal("watches"u8, watches);
        Report.Decimal("transactions"u8, transactions);
        Report.Flush();
        while (true)
            StoreRing.Send(StoreRing.Write, "data/n0\0again"u8);
    }

    private static uint Fill(uint request, ReadOnlySpan<byte> path, ReadOnlySpan<byte> rest)
    {
        uint count = 0;
        while (count < 100_000)
        {
            Text content = new(stackalloc byte[80]);
            content.Add(path).Decimal(count).Add(rest);
            if (!StoreRing.Ask(request, content.Bytes))
                break;
            count++;
        }

        return count;
    }
}
