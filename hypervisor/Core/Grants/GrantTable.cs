// SPDX-License-Identifier: MIT
// A domain's grant table: the frames in which it grants its pages to others (xen/include/public/grant_table.h).
// Called by grant_table_op, memory_op and the toolstack's operations.

using XenSharp.Core.Domains;
using XenSharp.Core.Hypercalls;
using XenSharp.Core.Memory;
using XenSharp.Edge;

namespace XenSharp.Core.Grants;

/// <summary>A frame of the table and where the guest has it mapped.</summary>
public readonly struct GrantFrame(Mfn frame, ulong gfn)
{
    public Mfn Frame { get; } = frame;

    /// <summary><see cref="Domain.NoFrame"/> when it is not mapped.</summary>
    public ulong Gfn { get; } = gfn;
}

/// <summary>
/// Shared frames hold the entries; version 2 adds status frames. The table grows on demand by pages charged to the domain.
/// <see cref="Lock"/> guards everything but <see cref="Mappings"/>, which are the domain's side as a user of others' grants; it is taken inside
/// a domain's lock, the mapper's or the granter's, and never together with another table's.
/// </summary>
public sealed partial class GrantTable
{
    /// <summary>A frame index with this bit names a status frame (XENMAPIDX_grant_table_status), when the version is 2.</summary>
    public const ulong StatusIndexBit = 0x8000_0000;

    private const uint EntriesPerFrameV1 = FrameSize.Bytes / 8;
    private const uint EntriesPerFrameV2 = FrameSize.Bytes / 16;

    /// <summary>One status frame serves the entries of eight version 2 frames.</summary>
    private const uint GrantFramesPerStatusFrame = FrameSize.Bytes / 2 / EntriesPerFrameV2;

    private const uint StatusPerFrame = FrameSize.Bytes / 2;

    private readonly Mfn[] _shared;
    private readonly ulong[] _sharedGfns;
    private readonly Mfn[] _status;
    private readonly ulong[] _statusGfns;

    // Handles below this have been undone by Destroy.
    private uint _undone;

    // Records of the entries, as many as version 1 has.
    private readonly PagedTable<ActiveGrant> _active;

    // Arrays have the size of the machine's limit, so that all domains have one layout; the domain's own limit is a number.
    public GrantTable(Domain domain)
    {
        Domain = domain;
        uint capacity = domain.Host.Options.GrantFrameCapacity;
        MaxFrames = System.Math.Min(domain.Settings.MaxGrantFrames, capacity);
        _shared = new Mfn[(int)capacity];
        _sharedGfns = new ulong[(int)capacity];
        uint statusFrames = StatusFramesFor(capacity);
        _status = new Mfn[(int)statusFrames];
        _statusGfns = new ulong[(int)statusFrames];
        _active = new PagedTable<ActiveGrant>((int)(capacity * EntriesPerFrameV1), domain.Memory);
        Mappings = new GrantMappings(domain, domain.Host.Options.MaptrackFrameCapacity);
    }

    public Domain Domain { get; }

    public SpinLock Lock { get; } = new(LockScope.Pair);

    /// <summary>1 or 2.</summary>
    public uint Version { get; private set; } = 1;

    /// <summary>The highest version that the guest may choose.</summary>
    public uint MaxVersion { get; set; } = 2;

    public uint MaxFrames { get; }

    /// <summary>Frames in use; one from the start, made when first needed.</summary>
    public uint FrameCount { get; private set; }

    public uint StatusFrameCount { get; private set; }

    /// <summary>Mappings that this domain has of others' grants.</summary>
    public GrantMappings Mappings { get; }

    /// <summary>Entries of this table that somebody uses.</summary>
    public uint ActiveCount { get; private set; }

    /// <summary>Somebody uses a grant of this domain: it has to stay, though it may be dead already.</summary>
    public bool IsInUse => ActiveCount != 0;

    /// <summary>What is known of an entry; for reports and checks, without the lock.</summary>
    public ActiveGrant ActiveEntry(uint reference) => reference < (uint)_active.Count ? _active[(int)reference] : default;

    public uint EntryCount => FrameCount * (Version == 1 ? EntriesPerFrameV1 : EntriesPerFrameV2);

    public ulong SharedGfn(uint index) => _sharedGfns[(int)index];

    public Mfn SharedFrame(uint index) => _shared[(int)index];

    public Mfn StatusFrame(uint index) => _status[(int)index];

    /// <summary>What the guest has in an entry below <see cref="EntryCount"/>, for reports.</summary>
    public void ReadShared(uint reference, out ushort user, out ulong gfn, out uint flags)
    {
        PhysicalMemory memory = Domain.Host.Memory;
        uint header = EntryHeader(reference);
        user = (ushort)(header >> 16);
        gfn = GrantedFrame(reference);
        flags = Version == 1 ? (ushort)header : (memory.Read32(MarkFrame(reference), (MarkBit(reference) >> 5) * 4) >> (MarkBit(reference) & 31)) & 0xffff;
    }

    /// <summary>Makes the table at least this large (at most <see cref="MaxFrames"/>); false when memory runs out. Under the lock.</summary>
    public bool Grow(uint frames)
    {
        frames = System.Math.Max(frames, 1);
        if (frames > MaxFrames || Domain.IsDying)
            return false;
        while (_active.Count < frames * EntriesPerFrameV1)
        {
            if (!_active.Grow())
                return false;
        }

        if (Version > 1 && !GrowStatus(StatusFramesFor(frames)))
            return false;
        while (FrameCount < frames)
        {
            if (!Domain.Memory.TryAllocate(out Mfn frame))
                return false;
            _shared[(int)FrameCount] = frame;
            _sharedGfns[(int)FrameCount] = Domain.NoFrame;
            FrameCount++;
        }

        return true;
    }

    /// <summary>The frame that XENMAPSPACE_grant_table names, growing the table up to it.</summary>
    public long FrameForMapping(ulong index, Processor caller, out GrantFrame frame)
    {
        using SpinLock.Guard guard = Lock.Enter(caller);
        bool status = Version == 2 && (index & StatusIndexBit) != 0;
        long result = Find(status, status ? index & ~StatusIndexBit : index, out Mfn mfn);
        frame = result == 0 ? new GrantFrame(mfn, Gfns(status)[(int)(index & ~StatusIndexBit)]) : default;
        return result;
    }

    /// <summary>Notes where <see cref="FrameForMapping"/>'s frame has been mapped.</summary>
    public void NoteMapping(ulong index, ulong gfn)
    {
        bool status = Version == 2 && (index & StatusIndexBit) != 0;
        Gfns(status)[(int)(index & ~StatusIndexBit)] = gfn;
    }

    /// <summary>The guest frame no longer shows any frame of this table.</summary>
    public void ForgetMapping(ulong gfn) => MoveMapping(gfn, Domain.NoFrame);

    /// <summary>What the guest frame showed of this table is now at another one.</summary>
    public void MoveMapping(ulong gfn, ulong to)
    {
        for (uint i = 0; i < FrameCount; i++)
        {
            if (_sharedGfns[(int)i] == gfn)
                _sharedGfns[(int)i] = to;
        }

        for (uint i = 0; i < StatusFrameCount; i++)
        {
            if (_statusGfns[(int)i] == gfn)
                _statusGfns[(int)i] = to;
        }
    }

    /// <summary>Size of XENMEM_resource_grant_table with this id, 0 when there is no such id.</summary>
    public uint MaxFramesForTools(uint id) => id switch
    {
        0 => MaxFrames,
        1 => StatusFramesFor(MaxFrames),
        _ => 0,
    };

    /// <summary>A frame for the toolstack (XENMEM_acquire_resource), with a reference: id 0 shared, 1 status.</summary>
    public long FrameForTools(uint id, ulong index, Processor caller, out Mfn frame)
    {
        frame = Mfn.Invalid;
        if (id > 1 || (id == 1 && Version != 2))
            return HypercallError.EINVAL;
        using SpinLock.Guard guard = Lock.Enter(caller);
        long result = Find(id == 1, index, out frame);
        return result == 0 && !FrameReferences.TryTakeShared(Domain.Host, frame, Domain.Id) ? HypercallError.EBUSY : result;
    }

    private static uint StatusFramesFor(uint grantFrames) => (grantFrames + GrantFramesPerStatusFrame - 1) / GrantFramesPerStatusFrame;

    private ulong[] Gfns(bool status) => status ? _statusGfns : _sharedGfns;

    private long Find(bool status, ulong index, out Mfn frame)
    {
        frame = Mfn.Invalid;
        ulong needed = status ? (index + 1) * GrantFramesPerStatusFrame : index + 1;
        if (index >= uint.MaxValue || (status ? index >= StatusFramesFor(MaxFrames) : index >= MaxFrames))
            return HypercallError.EINVAL;
        if (index >= (status ? StatusFrameCount : FrameCount) && Domain.IsDying)
            return HypercallError.EBUSY; // Xen still has the frame, and gives nobody another reference to it
        if (index >= (status ? StatusFrameCount : FrameCount) && !Grow((uint)System.Math.Min(needed, MaxFrames)))
            return HypercallError.EINVAL;
        if (index >= (status ? StatusFrameCount : FrameCount))
            return HypercallError.EINVAL;
        frame = status ? _status[(int)index] : _shared[(int)index];
        return 0;
    }

    private bool GrowStatus(uint frames)
    {
        while (StatusFrameCount < frames)
        {
            if (!Domain.Memory.TryAllocate(out Mfn frame))
                return false;
            _status[(int)StatusFrameCount] = frame;
            _statusGfns[(int)StatusFrameCount] = Domain.NoFrame;
            StatusFrameCount++;
        }

        return true;
    }
}
