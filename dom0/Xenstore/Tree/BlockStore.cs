// SPDX-License-Identifier: MIT
// Blocks of the tree and who may still see them: snapshots, branches, freeing. Used by DirectoryStore and StoreTree.

using System;
using System.Collections.Generic;

namespace XenSharp.Xenstore.Tree;

/// <summary>
/// Blocks are immutable once another version of the tree may see them. When the main branch gives one up, it goes to the newest snapshot, if that one
/// can see it, and is freed when the last snapshot that can see it ends (the way of ZFS's dead lists); nothing is counted per block.
/// </summary>
internal sealed class BlockStore
{
    private readonly Arena _arena = new();
    private readonly Stack<OwnedBlock> _toFree = new();
    private Snapshot? _newest;
    private ulong _lastTag = 1;

    public BlockStore() => Main = new Branch(0, 1, 0, isMain: true);

    public Branch Main { get; }

    /// <summary>Counts the changes of the main branch.</summary>
    public ulong MainVersion { get; set; }

    public long UsedBytes => _arena.UsedBytes;

    public long ReservedBytes => _arena.ReservedBytes;

    public int SnapshotCount { get; private set; }

    public Span<byte> Block(uint handle, int bytes) => _arena.Block(handle, bytes);

    public Span<byte> From(uint handle) => _arena.From(handle);

    public uint Allocate(Branch branch, int bytes)
    {
        uint handle = _arena.Allocate(bytes);
        if (!branch.IsMain)
            branch.Made.Add(new OwnedBlock(handle, bytes, branch.Tag));
        return handle;
    }

    /// <summary>The branch no longer uses the block.</summary>
    public void GiveUp(Branch branch, uint handle, int bytes, ulong born)
    {
        OwnedBlock block = new(handle, bytes, born);
        if (branch.IsMain)
            Retire(block);
        else if (born == branch.Tag)
            branch.Dropped.Add(block);
        else
            branch.Replaced.Add(block);
    }

    public Snapshot TakeSnapshot()
    {
        if (_newest is { } newest && newest.Version == MainVersion)
        {
            newest.Users++;
            return newest;
        }
        Snapshot snapshot = new(Main.Root, Main.Tag, MainVersion, _newest);
        if (_newest is not null)
            _newest.Newer = snapshot;
        _newest = snapshot;
        SnapshotCount++;
        Main.Tag = ++_lastTag;
        return snapshot;
    }

    public void Release(Snapshot snapshot)
    {
        if (--snapshot.Users > 0)
            return;
        SnapshotCount--;
        if (snapshot.Newer is { } newer)
            newer.Older = snapshot.Older;
        else
            _newest = snapshot.Older;
        if (snapshot.Older is { } older)
            older.Newer = snapshot.Newer;
        foreach (OwnedBlock block in snapshot.Dead)
        {
            if (snapshot.Older is { } seer && block.Born <= seer.Epoch)
                seer.Dead.Add(block);
            else
                _toFree.Push(block);
        }
        snapshot.Dead.Clear();
    }

    /// <summary>A branch of a snapshot, or of the main branch as it is, which then must not change before the branch ends.</summary>
    public Branch Fork(Snapshot? snapshot) =>
        new(snapshot?.Root ?? Main.Root, ++_lastTag, snapshot?.Version ?? MainVersion, isMain: false);

    public void Discard(Branch branch)
    {
        foreach (OwnedBlock block in branch.Made)
            _arena.Free(block.Handle, block.Bytes);
        Clear(branch);
    }

    /// <summary>The branch becomes the main one; the main one has not changed since the branch began.</summary>
    public void Adopt(Branch branch)
    {
        if (branch.BaseVersion != MainVersion)
            throw new InvalidOperationException("The main branch has changed since this one began.");
        Main.Root = branch.Root;
        if (branch.Made.Count > 0)
        {
            Main.Tag = branch.Tag;
            MainVersion++;
        }
        foreach (OwnedBlock block in branch.Dropped)
            _arena.Free(block.Handle, block.Bytes);
        foreach (OwnedBlock block in branch.Replaced)
            Retire(block);
        Clear(branch);
    }

    /// <summary>Frees some of what ended snapshots left, so that no single request pays for all of it.</summary>
    public void Reclaim(int blocks)
    {
        while (blocks-- > 0 && _toFree.TryPop(out OwnedBlock block))
            _arena.Free(block.Handle, block.Bytes);
    }

    private static void Clear(Branch branch)
    {
        branch.Made.Clear();
        branch.Dropped.Clear();
        branch.Replaced.Clear();
        branch.Root = 0;
    }

    private void Retire(OwnedBlock block)
    {
        if (_newest is { } newest && block.Born <= newest.Epoch)
            newest.Dead.Add(block);
        else
            _arena.Free(block.Handle, block.Bytes);
    }
}
