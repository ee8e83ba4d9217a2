// SPDX-License-Identifier: MIT
// A mapping that a domain has of another's grant. The mapper's GrantMappings keeps them; the index is the handle that the guest holds.

namespace XenSharp.Core.Grants;

/// <summary>State of a handle.</summary>
public enum GrantMappingState : ushort
{
    Free = 0,
    ReadOnly,
    Writable,

    /// <summary>Taken by an operation that has not finished.</summary>
    Reserved,
}

/// <summary>
/// One record of the map track. The granter is named by its id: a domain whose grants are in use keeps its id and its objects
/// (<see cref="GrantTable.IsInUse"/>), so the id cannot come to mean another domain while the record lives.
/// </summary>
public struct GrantMapping
{
    /// <summary>The grant reference; in a free record the next free handle.</summary>
    public uint Reference;

    public ushort Granter;

    public GrantMappingState State;

    /// <summary>Where the mapper has the page.</summary>
    public ulong Gfn;

    public readonly bool IsMapped => State is GrantMappingState.ReadOnly or GrantMappingState.Writable;

    public readonly GrantAccess Access => State == GrantMappingState.ReadOnly ? GrantAccess.Read : GrantAccess.Write;
}
