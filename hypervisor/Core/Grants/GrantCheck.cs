// SPDX-License-Identifier: MIT
// Whether the grant tables of all domains agree: pins with mappings, mappings with what the mapper sees, both with the frames' references.
// Called by debug key 'g' and by tests.

using System.Threading;
using XenSharp.Core.Domains;
using XenSharp.Edge;

namespace XenSharp.Core.Grants;

/// <summary>What a check has found.</summary>
public struct GrantCheckResult
{
    /// <summary>Pins of all entries: one per mapping, and per copy under way.</summary>
    public uint Uses;

    public uint Mappings;

    /// <summary>Records that contradict another one.</summary>
    public uint Faults;
}

/// <summary>Takes no lock: exact while nobody maps, unmaps or copies.</summary>
public static class GrantCheck
{
    public static GrantCheckResult Run(Host host)
    {
        GrantCheckResult result = default;
        for (Domain? domain = host.Domains.NextFrom(0); domain != null; domain = host.Domains.NextFrom(domain.Id + 1))
        {
            CheckMappings(domain, ref result);
            CheckEntries(domain.Grants, ref result);
        }

        if (result.Uses != result.Mappings)
            result.Faults++;
        return result;
    }

    private static void CheckMappings(Domain mapper, ref GrantCheckResult result)
    {
        GrantMappings mappings = mapper.Grants.Mappings;
        uint count = 0;
        for (uint handle = 0; handle < mappings.Limit; handle++)
        {
            GrantMapping mapping = mappings.Peek(handle);
            if (!mapping.IsMapped)
                continue;
            count++;
            if (!IsRight(mapper, in mapping))
                result.Faults++;
        }

        result.Mappings += count;
        if (count != mappings.Count)
            result.Faults++;
    }

    private static bool IsRight(Domain mapper, in GrantMapping mapping)
    {
        GrantTable? table = mapper.Host.Domains.Find(mapping.Granter)?.Grants;
        if (table == null || mapping.Reference >= table.EntryCount)
            return false;
        ActiveGrant active = table.ActiveEntry(mapping.Reference);
        P2mEntry entry = mapper.P2m.Lookup(new Gfn(mapping.Gfn));
        P2mType type = mapping.Access == GrantAccess.Read ? P2mType.GrantReadOnly : P2mType.GrantWritable;
        return active.User == mapper.Id && active.IsSubPage == 0 && (mapping.Access == GrantAccess.Read || active.HasWriters)
            && entry.Type == type && entry.Frame.Value == active.Frame;
    }

    private static void CheckEntries(GrantTable table, ref GrantCheckResult result)
    {
        uint count = 0;
        for (uint reference = 0; reference < table.EntryCount; reference++)
        {
            ActiveGrant active = table.ActiveEntry(reference);
            if (active.Pins == 0)
                continue;
            count++;
            result.Uses += active.Uses;
            if (CountMappings(table.Domain, reference, active.User) != active.Uses || !IsHeld(table.Domain, in active))
                result.Faults++;
        }

        if (count != table.ActiveCount)
            result.Faults++;
    }

    private static uint CountMappings(Domain granter, uint reference, ushort user)
    {
        GrantMappings? mappings = granter.Host.Domains.Find(user)?.Grants.Mappings;
        uint count = 0;
        for (uint handle = 0; mappings != null && handle < mappings.Limit; handle++)
        {
            GrantMapping mapping = mappings.Peek(handle);
            if (mapping.IsMapped && mapping.Granter == granter.Id && mapping.Reference == reference)
                count++;
        }

        return count;
    }

    // Each use holds a reference to a frame that is still the granter's.
    private static bool IsHeld(Domain granter, in ActiveGrant active)
    {
        if (active.Frame >= granter.Host.Frames.FrameLimit)
            return false;
        ref FrameInfo info = ref granter.Host.Frames[new Mfn(active.Frame)];
        return info.Owner == granter.Id && Volatile.Read(ref info.References) >= (int)active.Uses;
    }
}
