// SPDX-License-Identifier: MIT
// The tree of nodes with its branches and snapshots. Used by the protocol in ../Protocol; nothing outside changes nodes.

using System;
using System.Runtime.InteropServices;

namespace XenSharp.Xenstore.Tree;

/// <summary>What was found on the way to a path.</summary>
/// <param name="Node">The node, or 0.</param>
/// <param name="Nearest">The deepest node on the way that is not the node itself: its parent, or the nearest that exists. 0 for the root.</param>
/// <param name="NearestLength">Length of the nearest one's path; 1 for the root.</param>
/// <param name="Missing">How many nodes the path lacks.</param>
public readonly record struct Place(uint Node, uint Nearest, int NearestLength, int Missing)
{
    public bool Exists => Node != 0;
}

/// <summary>
/// Paths are valid and absolute. A change makes what it touches anew in its branch, up to the root, unless the branch made it before; so a snapshot
/// is a root's handle and costs nothing to take. The generation counts changes over all branches.
/// </summary>
public sealed class StoreTree
{
    private readonly BlockStore _blocks = new();
    private readonly DirectoryStore _directories;

    public StoreTree()
    {
        _directories = new DirectoryStore(_blocks);
        Main.Root = NewNode(Main, [new Permission(0, Access.None, 1)], [], 0, 0, 0);
    }

    public Branch Main => _blocks.Main;

    /// <summary>Of the last change in any branch.</summary>
    public ulong Generation { get; set; }

    public long UsedBytes => _blocks.UsedBytes;

    public long ReservedBytes => _blocks.ReservedBytes;

    public int SnapshotCount => _blocks.SnapshotCount;

    public bool IsMainUnchangedSince(Snapshot snapshot) => snapshot.Version == _blocks.MainVersion;

    public Snapshot TakeSnapshot() => _blocks.TakeSnapshot();

    public void Release(Snapshot snapshot) => _blocks.Release(snapshot);

    /// <summary>A branch of a snapshot; without one, of the main branch, which then must not change before the branch is adopted or discarded.</summary>
    public Branch Fork(Snapshot? snapshot) => _blocks.Fork(snapshot);

    public void Adopt(Branch branch) => _blocks.Adopt(branch);

    public void Discard(Branch branch) => _blocks.Discard(branch);

    public void Reclaim(int blocks) => _blocks.Reclaim(blocks);

    public Place Find(Branch branch, ReadOnlySpan<byte> path)
    {
        uint node = branch.Root;
        uint nearest = 0;
        int nearestLength = 0;
        int position = 1;
        while (position < path.Length)
        {
            nearest = node;
            nearestLength = Math.Max(position - 1, 1);
            int end = path[position..].IndexOf((byte)'/');
            end = end < 0 ? path.Length : position + end;
            node = _directories.Find(HeaderOf(node).Directory, path[position..end]);
            if (node == 0)
                return new Place(0, nearest, nearestLength, 1 + path[end..].Count((byte)'/'));
            position = end + 1;
        }
        return new Place(node, nearest, nearestLength, 0);
    }

    public NodeView View(uint node) => new(NodeBlock(node));

    public int ListBytes(uint node) => _directories.ListBytes(HeaderOf(node).Directory);

    /// <summary>Copies names, each with its nul, from a place in the list as long as they fit as a whole; gives the length.</summary>
    /// <param name="isComplete">Whether the list's end was reached.</param>
    public int List(uint node, int skipBytes, Span<byte> target, out bool isComplete)
    {
        DirectoryCursor cursor = _directories.Enumerate(HeaderOf(node).Directory, skipBytes);
        int skip = cursor.SkippedInName;
        int length = 0;
        while (cursor.MoveNext())
        {
            ReadOnlySpan<byte> name = cursor.Name[Math.Min(skip, cursor.Name.Length)..];
            skip = 0;
            if (length + name.Length + 1 > target.Length)
            {
                isComplete = false;
                return length;
            }
            name.CopyTo(target[length..]);
            length += name.Length;
            target[length++] = 0;
        }
        isComplete = true;
        return length;
    }

    internal DirectoryCursor Children(uint node, int skipBytes = 0) => _directories.Enumerate(HeaderOf(node).Directory, skipBytes);

    /// <summary>Gives a node that exists another value.</summary>
    public void SetValue(Branch branch, ReadOnlySpan<byte> path, ReadOnlySpan<byte> value, ulong generation, int writer) =>
        Apply(branch, path, new Change(ChangeKind.Value, value, default, generation, writer, null));

    public void SetPermissions(Branch branch, ReadOnlySpan<byte> path, ReadOnlySpan<Permission> permissions, ulong generation, int writer) =>
        Apply(branch, path, new Change(ChangeKind.Permissions, default, permissions, generation, writer, null));

    /// <summary>Makes a node and those above it that do not exist; each takes over its parent's permissions.</summary>
    /// <param name="owner">The owner of what is made, if it is not the parent's; its access is not used.</param>
    public void Create(Branch branch, ReadOnlySpan<byte> path, ReadOnlySpan<byte> value, ulong generation, int writer, Permission? owner) =>
        Apply(branch, path, new Change(ChangeKind.Create, value, default, generation, writer, owner));

    /// <summary>Takes a node that exists out, with everything below it. It is not the root.</summary>
    public void Remove(Branch branch, ReadOnlySpan<byte> path, ulong generation, int writer) =>
        Apply(branch, path, new Change(ChangeKind.Remove, default, default, generation, writer, null));

    private void Apply(Branch branch, ReadOnlySpan<byte> path, in Change change)
    {
        branch.Root = Apply(branch, change, branch.Root, path[1..]);
        Generation = Math.Max(Generation, change.Generation);
        if (branch.IsMain)
            _blocks.MainVersion++;
    }

    private uint Apply(Branch branch, in Change change, uint node, ReadOnlySpan<byte> rest)
    {
        if (rest.IsEmpty)
            return Rewrite(branch, change, node);
        int end = rest.IndexOf((byte)'/');
        ReadOnlySpan<byte> name = end < 0 ? rest : rest[..end];
        ReadOnlySpan<byte> below = end < 0 ? default : rest[(end + 1)..];
        uint directory = HeaderOf(node).Directory;
        uint child = _directories.Find(directory, name);
        uint changed;
        if (child == 0 && change.Kind == ChangeKind.Create)
            changed = CreateChain(branch, change, node, below);
        else if (child == 0)
            throw new InvalidOperationException("A node to be changed does not exist.");
        else if (change.Kind == ChangeKind.Remove && below.IsEmpty)
            changed = 0;
        else
            changed = Apply(branch, change, child, below);
        if (changed == child)
            return node;
        directory = changed == 0 ? _directories.Remove(branch, directory, name) : _directories.Set(branch, directory, name, changed);
        if (changed == 0)
            GiveUpTree(branch, child);
        node = Own(branch, node);
        ref NodeHeader header = ref HeaderOf(node);
        header.Directory = directory;
        if (child == 0 || changed == 0)
        {
            header.Generation = change.Generation;
            header.Writer = (ushort)change.Writer;
        }
        return node;
    }

    private uint CreateChain(Branch branch, in Change change, uint parent, ReadOnlySpan<byte> below)
    {
        int end = below.IndexOf((byte)'/');
        ReadOnlySpan<byte> name = end < 0 ? below : below[..end];
        uint node = NewNode(branch, View(parent).Permissions, name.IsEmpty ? change.Value : default, change.Generation, change.Writer, 0);
        if (change.Owner is { } owner)
            PermissionsOf(node)[0] = PermissionsOf(node)[0].WithDomain(owner.Domain, owner.Incarnation);
        if (name.IsEmpty)
            return node;
        uint child = CreateChain(branch, change, node, end < 0 ? default : below[(end + 1)..]);
        HeaderOf(node).Directory = _directories.Set(branch, 0, name, child);
        return node;
    }

    /// <summary>In place where it can be; else a new block in the old one's stead.</summary>
    private uint Rewrite(Branch branch, in Change change, uint node)
    {
        NodeView old = View(node);
        ReadOnlySpan<byte> value = change.Kind == ChangeKind.Permissions ? old.Value : change.Value;
        ReadOnlySpan<Permission> permissions = change.Kind == ChangeKind.Permissions ? change.Permissions : old.Permissions;
        int oldBytes = SizeOf(old.Header);
        int bytes = NodeHeader.Size + permissions.Length * sizeof(uint) + value.Length;
        if (old.Header.Born == branch.Tag && Arena.Capacity(bytes) == Arena.Capacity(oldBytes) && change.Kind != ChangeKind.Permissions)
        {
            ref NodeHeader header = ref HeaderOf(node);
            header.Generation = change.Generation;
            header.Writer = (ushort)change.Writer;
            header.ValueLength = (ushort)value.Length;
            value.CopyTo(NodeBlock(node)[(bytes - value.Length)..]);
            return node;
        }
        uint copy = NewNode(branch, permissions, value, change.Generation, change.Writer, old.Header.Directory);
        _blocks.GiveUp(branch, node, oldBytes, old.Header.Born);
        return copy;
    }

    private uint NewNode(Branch branch, ReadOnlySpan<Permission> permissions, ReadOnlySpan<byte> value, ulong generation, int writer, uint directory)
    {
        int bytes = NodeHeader.Size + permissions.Length * sizeof(uint) + value.Length;
        uint node = _blocks.Allocate(branch, bytes);
        Span<byte> block = _blocks.Block(node, bytes);
        ref NodeHeader header = ref MemoryMarshal.AsRef<NodeHeader>(block);
        header = default;
        header.Generation = generation;
        header.Born = branch.Tag;
        header.Directory = directory;
        header.ValueLength = (ushort)value.Length;
        header.PermissionCount = (ushort)permissions.Length;
        header.Writer = (ushort)writer;
        MemoryMarshal.AsBytes(permissions).CopyTo(block[NodeHeader.Size..]);
        value.CopyTo(block[(bytes - value.Length)..]);
        return node;
    }

    private uint Own(Branch branch, uint node)
    {
        ref readonly NodeHeader header = ref HeaderOf(node);
        if (header.Born == branch.Tag)
            return node;
        int bytes = SizeOf(header);
        uint copy = _blocks.Allocate(branch, bytes);
        _blocks.Block(node, bytes).CopyTo(_blocks.Block(copy, bytes));
        ulong born = header.Born;
        HeaderOf(copy).Born = branch.Tag;
        _blocks.GiveUp(branch, node, bytes, born);
        return copy;
    }

    private void GiveUpTree(Branch branch, uint node)
    {
        NodeHeader header = HeaderOf(node);
        DirectoryCursor children = _directories.Enumerate(header.Directory);
        while (children.MoveNext())
            GiveUpTree(branch, children.Node);
        _directories.RemoveAll(branch, header.Directory);
        _blocks.GiveUp(branch, node, SizeOf(header), header.Born);
    }

    private static int SizeOf(in NodeHeader header) => NodeHeader.Size + header.PermissionCount * sizeof(uint) + header.ValueLength;

    private ref NodeHeader HeaderOf(uint node) => ref MemoryMarshal.AsRef<NodeHeader>(_blocks.From(node));

    private Span<byte> NodeBlock(uint node)
    {
        Span<byte> block = _blocks.From(node);
        return block[..SizeOf(MemoryMarshal.AsRef<NodeHeader>(block))];
    }

    private Span<Permission> PermissionsOf(uint node) =>
        MemoryMarshal.Cast<byte, Permission>(NodeBlock(node).Slice(NodeHeader.Size, HeaderOf(node).PermissionCount * sizeof(uint)));

    private enum ChangeKind
    {
        Value,
        Permissions,
        Create,
        Remove,
    }

    private readonly ref struct Change(
        ChangeKind kind, ReadOnlySpan<byte> value, ReadOnlySpan<Permission> permissions, ulong generation, int writer, Permission? owner)
    {
        public readonly ChangeKind Kind = kind;
        public readonly ReadOnlySpan<byte> Value = value;
        public readonly ReadOnlySpan<Permission> Permissions = permissions;
        public readonly ulong Generation = generation;
        public readonly int Writer = writer;
        public readonly Permission? Owner = owner;
    }
}
