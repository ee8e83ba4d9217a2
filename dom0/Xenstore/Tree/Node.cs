// SPDX-License-Identifier: MIT
// A node as it lies in the arena: a header, its permissions, its value. Made and changed by StoreTree only; others read.

using System;
using System.Runtime.InteropServices;

namespace XenSharp.Xenstore.Tree;

[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct NodeHeader
{
    public const int Size = 28;

    public ulong Generation;       // Of the last change of value, permissions or list of children.
    public ulong Born;             // The tag of the branch that made this block; see Branch.
    public uint Directory;         // Root page of the children, or 0.
    public ushort ValueLength;
    public ushort Writer;          // The domain that changed it last, for blaming conflicts.
    public ushort PermissionCount;
    private readonly ushort _unused;
}

/// <summary>One node as a reader sees it; valid until the tree changes.</summary>
public readonly ref struct NodeView
{
    private readonly ReadOnlySpan<byte> _block;

    internal NodeView(ReadOnlySpan<byte> block) => _block = block;

    internal ref readonly NodeHeader Header => ref MemoryMarshal.AsRef<NodeHeader>(_block);

    public ulong Generation => Header.Generation;

    public int LastWriter => Header.Writer;

    public ReadOnlySpan<Permission> Permissions =>
        MemoryMarshal.Cast<byte, Permission>(_block.Slice(NodeHeader.Size, Header.PermissionCount * sizeof(uint)));

    public ReadOnlySpan<byte> Value => _block.Slice(NodeHeader.Size + Header.PermissionCount * sizeof(uint), Header.ValueLength);

    public int Owner => Permissions[0].Domain;
}
