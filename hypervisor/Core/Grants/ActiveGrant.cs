// SPDX-License-Identifier: MIT
// What the granter's side knows of a grant in use. Kept in GrantTable, guarded by its lock.

namespace XenSharp.Core.Grants;

/// <summary>What a user of a grant may do with the page.</summary>
public enum GrantAccess
{
    Read,
    Write,
}

/// <summary>
/// The record behind each entry of the shared frames. While <see cref="Pins"/> is not 0 the entry's frame and user are those recorded here,
/// whatever the guest writes into the shared entry: what is in use cannot be revoked.
/// </summary>
public struct ActiveGrant
{
    /// <summary>The entry refers to another grant, whose pin protects the frame.</summary>
    public const uint NoFrame = uint.MaxValue;

    /// <summary>Four counters of eight bits, as debug key 'g' shows them: host writers, host readers, device writers, device readers.</summary>
    public uint Pins;

    public uint Frame;

    /// <summary>The domain that uses it.</summary>
    public ushort User;

    /// <summary>The range of the page that may be copied.</summary>
    public ushort Start;

    public ushort Length;

    /// <summary>1 for a part of a page or a transitive grant: such a grant can be copied, not mapped.</summary>
    public ushort IsSubPage;

    public readonly bool HasWriters => (Pins & WriterMask) != 0;

    private const uint WriterMask = 0x00ff_00ff;

    /// <summary>One more pin of a kind.</summary>
    public static uint OnePin(GrantAccess access) => access == GrantAccess.Write ? 1u : 1u << 8;

    /// <summary>Another pin could overflow the counter of its kind.</summary>
    public readonly bool IsFull(GrantAccess access) => (Pins & (OnePin(access) << 7)) != 0;

    /// <summary>How many uses there are.</summary>
    public readonly uint Uses => (Pins & 0xff) + ((Pins >> 8) & 0xff) + ((Pins >> 16) & 0xff) + (Pins >> 24);
}
