// SPDX-License-Identifier: MIT
// The handles of a domain that maps others' grants (maptrack of Xen): pages of records charged to the mapper.

using XenSharp.Core.Domains;
using XenSharp.Edge;

namespace XenSharp.Core.Grants;

/// <summary>
/// Guarded by the domain's lock. Freed handles go to the end of a queue whose last one is never given out, so that handles come in the
/// order in which Xen gives them to a domain of one vCPU.
/// </summary>
public sealed class GrantMappings
{
    private const uint End = uint.MaxValue;

    private readonly PagedTable<GrantMapping> _records;
    private uint _first = End;
    private uint _last = End;

    public GrantMappings(Domain domain, uint capacity)
    {
        MaxFrames = System.Math.Min(domain.Settings.MaxMaptrackFrames, capacity);
        _records = new PagedTable<GrantMapping>((int)capacity * PagedTable<GrantMapping>.RecordsPerPage, domain.Memory);
    }

    /// <summary>Limit on the pages of records (max_maptrack_frames).</summary>
    public uint MaxFrames { get; }

    /// <summary>Handles from here on were never given out.</summary>
    public uint Limit => (uint)_records.Count;

    public uint FrameCount => Limit / (uint)PagedTable<GrantMapping>.RecordsPerPage;

    /// <summary>Mappings that exist.</summary>
    public uint Count { get; private set; }

    /// <summary>The record of a handle below <see cref="Limit"/>.</summary>
    public ref GrantMapping this[uint handle] => ref _records[(int)handle];

    /// <summary>A copy of a record; for reports and checks, without the lock.</summary>
    public GrantMapping Peek(uint handle) => handle < Limit ? _records[(int)handle] : default;

    /// <summary>Takes a handle; false when the limit or the machine's memory is reached.</summary>
    public bool TryTake(out uint handle)
    {
        handle = _first;
        if (handle == End)
            return TryGrow(out handle);
        ref GrantMapping record = ref _records[(int)handle];
        if (record.Reference == End)
            return TryGrow(out handle);
        _first = record.Reference;
        record.State = GrantMappingState.Reserved;
        return true;
    }

    /// <summary>Gives a handle back that has no mapping any more.</summary>
    public void PutBack(uint handle)
    {
        ref GrantMapping record = ref _records[(int)handle];
        record.Reference = End;
        record.State = GrantMappingState.Free;
        _records[(int)_last].Reference = handle;
        _last = handle;
    }

    /// <summary>The mapping of a handle that has been taken now exists.</summary>
    public void Commit(uint handle, in GrantMapping mapping)
    {
        _records[(int)handle] = mapping;
        Count++;
    }

    /// <summary>The mapping of the record is no more; the handle stays taken.</summary>
    public void Forget(ref GrantMapping record)
    {
        record.State = GrantMappingState.Reserved;
        Count--;
    }

    /// <summary>The mapping that was forgotten exists still.</summary>
    public void Restore(uint handle, GrantMappingState state)
    {
        _records[(int)handle].State = state;
        Count++;
    }

    /// <summary>Gives the last page of records back, when the domain ends; false when there is none.</summary>
    public bool Shrink()
    {
        _first = End;
        _last = End;
        return _records.Shrink();
    }

    // The first of a new page of handles; the others become the head of the queue.
    private bool TryGrow(out uint handle)
    {
        handle = Limit;
        if (FrameCount >= MaxFrames || !_records.Grow())
            return false;
        uint limit = Limit;
        for (uint i = handle + 1; i < limit - 1; i++)
            _records[(int)i].Reference = i + 1;
        _records[(int)(limit - 1)].Reference = _first;
        if (_last == End)
            _last = limit - 1;
        _first = handle + 1;
        _records[(int)handle].State = GrantMappingState.Reserved;
        return true;
    }
}
