// SPDX-License-Identifier: MIT
// A domain's guest-physical to machine translation (p2m of Xen). The port keeps it in the form that the CPU walks.

namespace XenSharp.Edge;

/// <summary>What stands behind a guest frame (p2m_type_t of Xen).</summary>
public enum P2mType : byte
{
    /// <summary>Nothing: an access exits to the emulated devices.</summary>
    None = 0,

    /// <summary>The domain's own memory, readable, writable, executable.</summary>
    Ram = 1,

    RamReadOnly = 2,

    /// <summary>The machine's memory-mapped I/O or firmware memory, mapped one to one.</summary>
    Direct = 3,

    GrantWritable = 4,

    GrantReadOnly = 5,

    Foreign = 6,

    /// <summary>A page of the hypervisor's that the guest may see: shared info, grant frames.</summary>
    Shared = 7,

    /// <summary>Memory of the domain's that gets a frame when it is first used (p2m_populate_on_demand). Nothing is mapped.</summary>
    OnDemand = 8,
}

/// <summary>One translation; <see cref="Order"/> is the size of the mapping that it is part of (0, 9 or 18), or of the hole.</summary>
public readonly struct P2mEntry(Mfn frame, P2mType type, int order)
{
    /// <summary>The machine frame of exactly the guest frame asked for.</summary>
    public Mfn Frame { get; } = frame;

    public P2mType Type { get; } = type;

    public int Order { get; } = order;

    public bool IsPresent => Type is not (P2mType.None or P2mType.OnDemand);

    public bool IsWritable => Type is P2mType.Ram or P2mType.Direct or P2mType.GrantWritable or P2mType.Foreign or P2mType.Shared;
}

/// <summary>The translation of one domain. Callers hold the domain's memory lock for <see cref="Set"/> and <see cref="Remove"/>.</summary>
public abstract class P2m
{
    /// <summary>One more than the highest guest frame that can be mapped.</summary>
    public abstract ulong FrameLimit { get; }

    /// <summary>Bumped by every change that can make an earlier look-up wrong.</summary>
    public abstract uint Generation { get; }

    /// <summary>
    /// True when the removal of one frame is all that has changed since a generation: who remembers look-ups need forget only that one.
    /// Ask after reading <see cref="Generation"/>.
    /// </summary>
    public virtual bool TryFindOnlyRemoval(uint sinceGeneration, out Gfn guestFrame)
    {
        guestFrame = default;
        return false;
    }

    /// <summary>The tables of the IOMMU that follow this translation; null for a domain without devices. Set before the first mapping.</summary>
    public P2mMirror? Mirror { get; set; }

    /// <summary>What stands behind a guest frame. When nothing is mapped, the entry's order says how large the aligned part at least is that is all alike.</summary>
    public abstract P2mEntry Lookup(Gfn guestFrame);

    /// <summary>
    /// Maps 2^<paramref name="order"/> frames (order 0, 9 or 18, both aligned to it), replacing what was there and splitting larger
    /// mappings. False when no page for a table is left; nothing has changed then.
    /// </summary>
    public abstract bool Set(Gfn guestFrame, Mfn frame, int order, P2mType type);

    /// <summary>
    /// Marks 2^<paramref name="order"/> frames (0, 9 or 18, aligned) as <see cref="P2mType.OnDemand"/>, in place of what was there; else like
    /// <see cref="Set"/>. False, too, for a translation that is mirrored: devices cannot wait for memory.
    /// </summary>
    public abstract bool SetOnDemand(Gfn guestFrame, int order);

    /// <summary>Removes the translation of one frame; splits a larger mapping (false when no page for a table is left).</summary>
    public bool Remove(Gfn guestFrame) => Remove(guestFrame, 0);

    /// <summary>Removes a mapping of 2^<paramref name="order"/> frames that <see cref="Lookup"/> has shown; splits a larger one.</summary>
    public abstract bool Remove(Gfn guestFrame, int order);

    /// <summary>Makes all CPUs, and devices, forget translations from before; required before a removed frame is given to somebody else.</summary>
    public abstract void Flush();

    /// <summary>
    /// Gives back tables of a translation that nobody walks any more, at most so many; true when none but the first is left. The caller has
    /// taken back what was mapped.
    /// </summary>
    public abstract bool ReleaseTables(int limit);

    /// <summary>Gives back the first table, the end of the translation.</summary>
    public abstract void Release();
}
