// SPDX-License-Identifier: MIT
// A dom0 that does nothing but build guests and end them. Its first module is the guests' kernel (guests/Basics). Words:
//   rounds=N   how often (default 3)
//   guests=N   how many at once (default 1, up to 8)
//   vcpus=N    of each guest (default 1)
//   kind=N     what the guests do: see GuestKind; 9 chooses at random
//   reason=N   the shutdown code with which the guests end (default 0)
//   softreset  the guests ask for a soft reset and end in their second life
//   kill       ends guests at random points of their lives, also while they are built
//   seed=N     for what is random
//   debug      instead of all that, one guest under a debugger: see DebuggedGuest
// It prints what the machine has free before, after the first round and at the end; the second and the third must be equal.

using System;
using System.Runtime;
using XenSharp.Guests.Building;

namespace XenSharp.Guests.Builder;

internal static class Program
{
    private const int MaxGuests = 8;
    private const uint DomainException = 3;
    private const ulong Second = 1_000_000_000;

    private static uint s_random;
    private static uint s_port;
    private static int s_failures;
    private static ulong s_settled;

    private static void Main() { }

    [RuntimeExport("xs_guest_main")]
    private static void Run()
    {
        Hypercall.Trace(StartInfo.Has("trace"u8));
        if (!GuestImage.Find())
            Machine.Fail("no kernel for the guests: give it as the ramdisk"u8);
        uint rounds = StartInfo.Number("rounds"u8, 3);
        int guests = (int)StartInfo.Number("guests"u8, 1);
        s_random = StartInfo.Number("seed"u8, 1) | 1;
        if (guests is < 1 or > MaxGuests || Events.MapSharedInfo() < 0 || Toolstack.BindVirq(DomainException, out s_port) < 0)
            Machine.Fail("set-up failed"u8);
        if (StartInfo.Has("debug"u8))
        {
            DebuggedGuest.Run();
            return;
        }

        Say("before"u8, 0);
        for (uint round = 1; round <= rounds; round++)
        {
            RunRound(guests);
            if (round == 1 || round == rounds || round % 50 == 0)
                Say("after round"u8, round);
        }

        Report.Begin("builder end"u8);
        Report.Decimal("rounds"u8, rounds);
        Report.Decimal("failures"u8, (ulong)s_failures);
        Report.Flush();
    }

    private static void RunRound(int guests)
    {
        bool kills = StartInfo.Has("kill"u8);
        uint kind = StartInfo.Number("kind"u8, 0);
        uint vcpus = StartInfo.Number("vcpus"u8, 1);
        for (int i = 0; i < guests; i++)
        {
            GuestKind chosen = (GuestKind)(kind == 9 ? Random(4) : kind);
            int steps = kills && Random(3) == 0 ? (int)Random(GuestDomain.Steps) : GuestDomain.Steps;
            if (!Build(i, chosen, vcpus, steps))
                s_failures++;
            else if (steps == GuestDomain.Steps && Toolstack.Unpause(new GuestDomain(i).Id) != 0)
                s_failures++;
        }

        if (kills || kind is 1 or 2 or 9)
            Toolstack.Wait(s_port, Clock.Now() + Random(20_000_000));
        else if (StartInfo.Has("softreset"u8))
            ResetAll(guests);
        else
            AwaitShutdown(guests, StartInfo.Number("reason"u8, 0));
        for (int i = 0; i < guests; i++)
        {
            if (!new GuestDomain(i).Destroy())
                s_failures++;
        }

        AwaitDeath(guests);
    }

    private static bool Build(int guest, GuestKind kind, uint vcpus, int steps)
    {
        Text words = new(stackalloc byte[16]);
        if (StartInfo.Has("softreset"u8))
            words.Add("softreset"u8);
        else
            words.Add("tiny="u8).Decimal((ulong)kind);
        return new GuestDomain(guest).Build(words.Bytes, vcpus, steps, isOnDemand: kind == GuestKind.Demand);
    }

    // As libxl does it: paused meanwhile, without which it is refused. The guest then runs on by itself.
    private static void ResetAll(int guests)
    {
        const long invalid = -22;
        AwaitShutdown(guests, Machine.ShutdownSoftReset);
        for (int i = 0; i < guests; i++)
        {
            ushort id = new GuestDomain(i).Id;
            long unpaused = Toolstack.SoftReset(id);
            Toolstack.Pause(id);
            long result = Toolstack.SoftReset(id);
            if (unpaused == invalid && result == 0 && Toolstack.Unpause(id) == 0)
                continue;
            s_failures++;
            Report.Begin("builder: soft_reset"u8);
            Report.Signed("unpaused"u8, unpaused);
            Report.Signed("failed"u8, result);
            Report.Flush();
        }

        AwaitShutdown(guests, Machine.ShutdownPoweroff);
    }

    private static void AwaitShutdown(int guests, uint expected)
    {
        ulong deadline = Clock.Now() + (20 * Second);
        for (int i = 0; i < guests; i++)
        {
            uint reason;
            while (!new GuestDomain(i).HasShutDown(out reason) && Clock.Now() < deadline)
                Toolstack.Wait(s_port, Clock.Now() + (Second / 10));
            if (reason == expected)
                continue;
            s_failures++;
            Report.Begin("builder: a guest ended badly"u8);
            Report.Decimal("domain"u8, new GuestDomain(i).Id);
            Report.Decimal("reason"u8, reason);
            Report.Flush();
        }
    }

    // VIRQ_DOM_EXC comes again when the last of a domain is gone.
    private static void AwaitDeath(int guests)
    {
        ulong deadline = Clock.Now() + (10 * Second);
        for (int i = 0; i < guests; i++)
        {
            while (new GuestDomain(i).IsKnown() && Clock.Now() < deadline)
                Toolstack.Wait(s_port, Clock.Now() + (Second / 100));
            if (!new GuestDomain(i).IsKnown())
                continue;
            s_failures++;
            Report.Begin("builder: a dead guest is still there"u8);
            Report.Decimal("domain"u8, new GuestDomain(i).Id);
            Report.Flush();
        }
    }

    private static void Say(ReadOnlySpan<byte> when, uint round)
    {
        ulong free = SettledFreePages(round);
        uint ports = Toolstack.UsedPorts();
        Report.Begin("builder "u8);
        Report.Add(when);
        if (round != 0)
            Report.Decimal("number"u8, round);
        Report.Decimal("free"u8, free);
        Report.Decimal("ports"u8, ports);
        Report.Flush();
    }

    // The hypervisor gives a domain's last pages back when no CPU can see it any more. After the first round that is awaited until nothing
    // changes for a while; from then on, until as much is free as after the first round.
    private static ulong SettledFreePages(uint round)
    {
        const int enough = 5, most = 200;
        ulong free = Toolstack.FreePages();
        for (int turn = 0, same = 0; turn < most && same < enough && free != s_settled; turn++)
        {
            Toolstack.Wait(s_port, Clock.Now() + (Second / 10));
            ulong now = Toolstack.FreePages();
            same = round <= 1 && now == free ? same + 1 : 0;
            free = now;
        }

        if (round == 1)
            s_settled = free;
        return free;
    }

    private static uint Random(uint limit)
    {
        s_random ^= s_random << 13;
        s_random ^= s_random >> 17;
        s_random ^= s_random << 5;
        return s_random % limit;
    }
}
