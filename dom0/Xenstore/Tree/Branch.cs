// SPDX-License-Identifier: MIT
// A version of the tree that can be changed: the main one, or one of a transaction. Made by StoreTree.

using System.Collections.Generic;

namespace XenSharp.Xenstore.Tree;

/// <summary>A block with what is needed to free it.</summary>
internal readonly record struct OwnedBlock(uint Handle, int Bytes, ulong Born);

/// <summary>
/// A branch may change a block in place only if it made it: the block's tag is the branch's. Any other block is shared with snapshots or with the
/// main branch, and is copied first, up to the root. A branch that is not the main one remembers what it made (freed if it is discarded) and what
/// it replaced (freed, if nobody else sees it, when the branch becomes the main one).
/// </summary>
public sealed class Branch
{
    internal Branch(uint root, ulong tag, ulong mainVersion, bool isMain)
    {
        Root = root;
        Tag = tag;
        BaseVersion = mainVersion;
        IsMain = isMain;
    }

    public bool IsMain { get; }

    internal uint Root { get; set; }

    internal ulong Tag { get; set; }

    /// <summary>The version of the main branch that this one started from.</summary>
    internal ulong BaseVersion { get; }

    internal List<OwnedBlock> Made { get; } = [];

    /// <summary>Made here and no longer used here.</summary>
    internal List<OwnedBlock> Dropped { get; } = [];

    /// <summary>Of the main branch, and no longer used here.</summary>
    internal List<OwnedBlock> Replaced { get; } = [];
}

/// <summary>A state of the main branch that stays as it is while it has users. Snapshots form a list by age.</summary>
public sealed class Snapshot
{
    internal Snapshot(uint root, ulong epoch, ulong version, Snapshot? older)
    {
        Root = root;
        Epoch = epoch;
        Version = version;
        Older = older;
        Users = 1;
    }

    internal uint Root { get; }

    /// <summary>Blocks of the main branch with this tag or a lower one may be seen from here.</summary>
    internal ulong Epoch { get; }

    internal ulong Version { get; }

    internal int Users { get; set; }

    internal Snapshot? Older { get; set; }

    internal Snapshot? Newer { get; set; }

    /// <summary>Blocks that the main branch gave up while this was the newest snapshot that sees them.</summary>
    internal List<OwnedBlock> Dead { get; } = [];
}
