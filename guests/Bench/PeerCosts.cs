// SPDX-License-Identifier: MIT
// What a dom0 does for its guests all day (the word `peers`): builds a guest of this kernel, its own first module, and measures with it.

using XenSharp.Guests.Building;

namespace XenSharp.Guests.Bench;

internal static class PeerCosts
{
    // What a hypervisor keeps ready from its start on is used up by the first ones.
    private const int First = 8, Counted = 8;

    private const ulong PageKiB = 4;

    public static void Run()
    {
        if (!GuestImage.Find())
            Machine.Fail("no kernel for the guest: give this one as the ramdisk too"u8);
        if (Events.MapSharedInfo() < 0 || Events.UseCallbackVector() < 0)
            Machine.Fail("set-up failed"u8);
        GuestDomain peer = new(0);
        Build(peer);
        Events.ClearMask(peer.Port);
        if (Toolstack.Unpause(peer.Id) < 0)
            Machine.Fail("the guest does not start"u8);
        while (Events.Count(peer.Port) == 0)
            Machine.Halt();
        Machine.EnableInterrupts();
        Costs.RunWith(peer.Id, peer.Port);
        Machine.DisableInterrupts();
        MeasureMemory();
    }

    // What is gone from the free memory and is not the guests' own: averaged, because tables grow in steps.
    private static void MeasureMemory()
    {
        for (int i = 1; i <= First; i++)
            Build(new GuestDomain(i));
        ulong before = Toolstack.FreePages(), theirs = 0;
        for (int i = 0; i < Counted; i++)
        {
            GuestDomain guest = new(1 + First + i);
            Build(guest);
            theirs += Toolstack.Pages(guest.Id);
        }

        Costs.Print("memory_per_domain"u8, (before - Toolstack.FreePages() - theirs) * PageKiB * 100 / Counted);
    }

    private static void Build(GuestDomain guest)
    {
        if (!guest.Build("peer"u8, 1))
            Machine.Fail("a guest cannot be built"u8);
    }
}
