// SPDX-License-Identifier: MIT
// Populate-on-demand: a marked guest frame is used, by the guest (OnFault), by the hypervisor for it (GuestAccess), or by another domain.

using XenSharp.Core.Console;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Domains;

public sealed partial class OnDemandMemory
{
    // A 1 GiB mark becomes marks of 2 MiB, one of these single marks, and then a page is taken.
    private const int Rounds = 4;

    // Again: the entry has changed. Later: some memory has been looked through, the next use goes on there.
    private enum Outcome { Done, Again, Later, NoMemory, NoTable }

    /// <summary>Looks a guest frame up and populates it if it is marked (get_gfn with P2M_ALLOC); a frame that stays marked has nothing.</summary>
    public P2mEntry Lookup(Gfn guestFrame, Processor caller)
    {
        Use(guestFrame, caller, out P2mEntry entry);
        return entry;
    }

    /// <summary>The same without the lock, for a frame that <see cref="P2m.Lookup"/> has shown as marked; false: it has no memory.</summary>
    public bool TryPopulate(Gfn guestFrame, Processor caller)
    {
        using SpinLock.Guard guard = domain.Lock.Enter(caller);
        return Lookup(guestFrame, caller).IsPresent;
    }

    /// <summary>
    /// After a copy of the vCPU's has failed, and has ended: true when that was for a marked frame which is populated now, so that the copy is
    /// to be tried again. Only while the CPU holds no other lock than the domain's.
    /// </summary>
    internal static bool TryPopulateFor(Vcpu vcpu)
    {
        Cpu caller = vcpu.Processor;
        Domain domain = vcpu.Domain;
        if (!vcpu.Translations.TakeMissed(out Gfn guestFrame) || !caller.Held.HoldsNoneBut(domain.Lock))
            return false;
        return caller.Held.Count == 0
            ? domain.OnDemand.TryPopulate(guestFrame, caller)
            : domain.OnDemand.Lookup(guestFrame, caller).IsPresent;
    }

    /// <summary>
    /// The guest has used a marked frame. Afterwards it tries again, whether the frame has been populated or only some of its memory has been
    /// looked through for empty pages. A domain whose memory has none is crashed, as in Xen.
    /// </summary>
    public void OnFault(Gfn guestFrame, Cpu caller)
    {
        Outcome outcome;
        using (domain.Lock.Enter(caller))
            outcome = Use(guestFrame, caller, out _);
        if (outcome is Outcome.Done or Outcome.Again or Outcome.Later || domain.IsDying)
            return;
        domain.Host.Console.Begin(LogLevel.Error, caller).Text("d"u8).Decimal(domain.Id)
            .Text(outcome == Outcome.NoMemory ? ": out of populate-on-demand memory: "u8 : ": no page for a table: "u8)
            .Decimal(domain.Memory.Pages).Text(" pages, "u8).Decimal(Entries).Text(" entries"u8).End();
        domain.Crash(caller);
    }

    private Outcome Use(Gfn guestFrame, Processor caller, out P2mEntry entry)
    {
        Outcome outcome = Outcome.Again;
        entry = domain.P2m.Lookup(guestFrame);
        for (int round = 0; round < Rounds && outcome == Outcome.Again && entry.Type == P2mType.OnDemand; round++)
        {
            outcome = Populate(guestFrame, in entry, caller);
            entry = domain.P2m.Lookup(guestFrame);
        }

        return outcome;
    }

    private Outcome Populate(Gfn guestFrame, in P2mEntry entry, Processor caller)
    {
        if (domain.IsDying)
            return Outcome.NoMemory;
        if (entry.Order > LargeOrder)
            return Mark(guestFrame, LargeOrder);
        if (Entries > Kept)
            ReclaimRecent(caller);
        if (Kept == 0 && !Sweep(caller))
            return IsSweptInVain ? Outcome.NoMemory : Outcome.Later;
        if (entry.Order < LargeOrder)
            return PopulatePage(guestFrame);
        return TryTakeKeptBlock(out Mfn block) ? PopulateBlock(AlignDown(guestFrame), block) : Mark(guestFrame, 0);
    }

    private Outcome Mark(Gfn guestFrame, int order)
    {
        var start = new Gfn(guestFrame.Value & ~((1UL << order) - 1));
        return domain.P2m.SetOnDemand(start, order) ? Outcome.Again : Outcome.NoTable;
    }

    private Outcome PopulatePage(Gfn guestFrame)
    {
        if (!TryTakeKept(out Mfn frame))
            return Outcome.Again;
        if (!domain.P2m.Set(guestFrame, frame, 0, P2mType.Ram))
        {
            KeepEmpty(frame);
            return Outcome.NoTable;
        }

        NotePopulated(guestFrame, 1);
        NoteRecent(guestFrame);
        return Outcome.Done;
    }

    private Outcome PopulateBlock(Gfn start, Mfn block)
    {
        if (!domain.P2m.Set(start, block, LargeOrder, P2mType.Ram))
        {
            KeepBlock(block);
            return Outcome.NoTable;
        }

        NotePopulated(start, LargePages);
        return Outcome.Done;
    }

    private void NotePopulated(Gfn start, ulong count)
    {
        NoteUnmarked(count);
        _highest = System.Math.Max(_highest, start.Value + count - 1);
    }

    private static Gfn AlignDown(Gfn guestFrame) => new(guestFrame.Value & ~(LargePages - 1));
}
