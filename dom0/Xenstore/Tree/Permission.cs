// SPDX-License-Identifier: MIT
// Who may do what with a node. Contract: docs/misc/xenstore.txt of Xen 4.17, "permission entries". Stored in nodes as they are here.

using System;

namespace XenSharp.Xenstore.Tree;

[Flags]
public enum Access : byte
{
    None = 0,
    Read = 1,
    Write = 2,
    Owner = 4,
}

/// <summary>
/// One entry of a node's list. The first names the owner, and its access is what everybody has who is not listed. Domain numbers are used again: an entry
/// counts only for the incarnation of the number that it was made for. Incarnation 0 is of a domain that did not exist; it counts for nobody.
/// </summary>
public readonly struct Permission(uint packed)
{
    public const int MostDomain = 0xFFFF;
    public const int MostIncarnation = (1 << 14) - 1;

    public Permission(int domain, Access access, int incarnation)
        : this((uint)domain | (uint)access << 16 | (uint)incarnation << 18)
    {
    }

    public uint Packed => packed;

    public int Domain => (int)(packed & MostDomain);

    public Access Access => (Access)(packed >> 16 & 3);

    public int Incarnation => (int)(packed >> 18);

    public char Letter => Access switch { Access.None => 'n', Access.Read => 'r', Access.Write => 'w', _ => 'b' };

    public Permission WithDomain(int domain, int incarnation) => new(domain, Access, incarnation);

    public override string ToString() => $"{Letter}{Domain}";
}
