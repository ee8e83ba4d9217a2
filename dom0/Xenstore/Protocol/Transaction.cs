// SPDX-License-Identifier: MIT
// An open transaction: its branch, what was asked and answered, and what it changed. Used by XenstoreServer.
//
// The conflict rule. A transaction works on the tree as it was when it began. It commits if and only if asking its requests again, in order, of the
// tree as it is now gives the same answers; then its changes are made as if it had run at this moment, all at once. Otherwise END answers EAGAIN. So
// every committed transaction is serial at its end, and what it did not ask about cannot disturb it:
//
//   1  A: READ /x -> 1; WRITE /y        meanwhile WRITE /x 2            A's READ would now give 2               EAGAIN
//   2  A: READ /x -> 1; WRITE /y        meanwhile WRITE /z              same answers                            commits
//   3  A: WRITE /d/a    B: WRITE /d/b   (both new, nobody lists /d)     each WRITE still answers OK             both commit
//   4  A: DIRECTORY /d  B: WRITE /d/b   B ends first                    A's list would have b                   A: EAGAIN
//   5  A: WRITE /x 1    B: WRITE /x 2   (neither reads /x)              OK either way                           both commit; the last END wins
//   6  A: READ /x; WRITE /x (add one)   B: the same                     the second one's READ differs           one commits, one EAGAIN
//   7  A: READ /x -> ENOENT; WRITE /x   meanwhile /x is made            the READ would succeed                  EAGAIN
//   8  A: READ /x -> 1                  meanwhile WRITE /x 2, /x 1      same answers                            commits
//   9  A: WRITE /d/a                    meanwhile RM /d                 OK: it makes /d again                   commits
//
// Xen's C daemon compares the generations of all nodes touched, those above a new node included, so that 3 and 8 give EAGAIN there.

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using XenSharp.Abi;
using XenSharp.Xenstore.Tree;

namespace XenSharp.Xenstore.Protocol;

/// <summary>Transactions are pooled: one costs no allocation once the pool is warm.</summary>
internal sealed class Transaction
{
    private readonly Dictionary<ulong, int> _changeByPath = [];
    private readonly HashSet<ulong> _nodes = [];
    private byte[] _log = new byte[1024];
    private byte[] _text = new byte[1024];

    public uint Id { get; set; }

    public Snapshot Snapshot { get; set; } = null!;

    public Branch Branch { get; set; } = null!;

    /// <summary>A quota was hit: END answers ENOMEM, as in Xen.</summary>
    public bool HasFailed { get; set; }

    /// <summary>It was restored on a tree that answers it differently: only repeating it can tell whether it may commit.</summary>
    public bool HasChanged { get; set; }

    /// <summary>Changes to the use of each domain.</summary>
    public List<(int Domain, int Nodes, long Memory)> Uses { get; } = [];

    public List<ChangedNode> Changes { get; } = [];

    public List<byte> Effects { get; } = [];

    public int LogLength { get; private set; }

    public int NodeCount => _nodes.Count;

    public void Begin(uint id, Snapshot snapshot, Branch branch)
    {
        Id = id;
        Snapshot = snapshot;
        HasFailed = false;
        HasChanged = false;
        LogLength = 0;
        _nodes.Clear();
        Restart(branch);
    }

    /// <summary>Forgets what was changed, not what was asked.</summary>
    public void Restart(Branch branch)
    {
        Branch = branch;
        Uses.Clear();
        Changes.Clear();
        Effects.Clear();
        _changeByPath.Clear();
        _textLength = 0;
    }

    public void NoteNode(ulong pathHash) => _nodes.Add(pathHash);

    public void AddToLog(XenstoreMessageType type, ReadOnlySpan<byte> payload, ulong fingerprint)
    {
        int size = 11 + payload.Length;
        Grow(ref _log, LogLength + size);
        Span<byte> entry = _log.AsSpan(LogLength, size);
        entry[0] = (byte)type;
        BinaryPrimitives.WriteUInt16LittleEndian(entry[1..], (ushort)payload.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(entry[3..], fingerprint);
        payload.CopyTo(entry[11..]);
        LogLength += size;
    }

    /// <summary>The entry at a position, which moves on.</summary>
    public ReadOnlySpan<byte> LogEntry(ref int position, out XenstoreMessageType type, out ulong fingerprint)
    {
        ReadOnlySpan<byte> entry = _log.AsSpan(position);
        type = (XenstoreMessageType)entry[0];
        int length = BinaryPrimitives.ReadUInt16LittleEndian(entry[1..]);
        fingerprint = BinaryPrimitives.ReadUInt64LittleEndian(entry[3..]);
        position += 11 + length;
        return entry.Slice(11, length);
    }

    public void AddUse(int domain, int nodes, long memory)
    {
        foreach (ref (int Domain, int Nodes, long Memory) use in CollectionsMarshal.AsSpan(Uses))
        {
            if (use.Domain == domain)
            {
                use.Nodes += nodes;
                use.Memory += memory;
                return;
            }
        }
        Uses.Add((domain, nodes, memory));
    }

    public (int Nodes, long Memory) UseOf(int domain)
    {
        foreach ((int known, int nodes, long memory) in Uses)
        {
            if (known == domain)
                return (nodes, memory);
        }
        return default;
    }

    /// <summary>An event to fire after the commit; one for a node and all below it replaces one for the node alone.</summary>
    /// <param name="before">The permissions that the node had before the transaction's first change; they too entitle to the event.</param>
    public void NoteChange(ulong pathHash, ReadOnlySpan<byte> path, bool isExact, ReadOnlySpan<Permission> before)
    {
        ref int place = ref CollectionsMarshal.GetValueRefOrAddDefault(_changeByPath, pathHash, out bool isKnown);
        if (isKnown)
        {
            if (!isExact)
                Changes[place] = Changes[place] with { IsExact = false };
            return;
        }
        place = Changes.Count;
        ReadOnlySpan<byte> permissions = MemoryMarshal.AsBytes(before);
        Grow(ref _text, _textLength + path.Length + permissions.Length);
        path.CopyTo(_text.AsSpan(_textLength));
        permissions.CopyTo(_text.AsSpan(_textLength + path.Length));
        Changes.Add(new ChangedNode(_textLength, path.Length, before.Length, isExact));
        _textLength += path.Length + permissions.Length;
    }

    public ReadOnlySpan<byte> PathOf(in ChangedNode change) => _text.AsSpan(change.Start, change.PathLength);

    public void PermissionsOf(in ChangedNode change, Span<Permission> target) =>
        _text.AsSpan(change.Start + change.PathLength, change.Permissions * sizeof(uint)).CopyTo(MemoryMarshal.AsBytes(target));

    private int _textLength;

    private static void Grow(ref byte[] buffer, int needed)
    {
        if (needed > buffer.Length)
            Array.Resize(ref buffer, Math.Max(needed, buffer.Length * 2));
    }
}

internal readonly record struct ChangedNode(int Start, int PathLength, int Permissions, bool IsExact);
