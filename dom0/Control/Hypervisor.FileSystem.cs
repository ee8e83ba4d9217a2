// SPDX-License-Identifier: MIT
// The hypervisor's file system of settings and facts. xen/include/public/hypfs.h.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using XenSharp.Abi;
using XenSharp.Interop;

namespace XenSharp.Control;

/// <param name="Size">Bytes of the contents now.</param>
/// <param name="MostWritten">The longest contents it takes; 0 if it cannot be written.</param>
public sealed record HypFsNode(string Name, HypFsType Type, HypFsEncoding Encoding, uint Size, uint MostWritten);

public sealed partial class Hypervisor
{
    private const int FirstRead = 4096;

    /// <summary>A node and its contents as they are; a folder's are structures, for which see <see cref="ListNodes"/>.</summary>
    public (HypFsNode Node, byte[] Contents) ReadNode(string path)
    {
        using HypercallBuffer name = PathBuffer(path);
        for (int size = FirstRead; ;)
        {
            using HypercallBuffer buffer = Gate.Rent(size);
            long result = Gate.Call(HypercallNumber.HypFsOperation, (ulong)HypFsOperation.Read, name.Address, (ulong)name.Length, buffer.Address, (ulong)size);
            HypFsDirEntry entry = buffer.At<HypFsDirEntry>();
            int needed = Unsafe.SizeOf<HypFsDirEntry>() + (int)entry.ContentLength;
            if (result == -(long)Errno.NoBuffers && needed > size)
            {
                size = needed;
                continue;
            }
            Check(result, $"reading {path}", null);
            return (Node(path[(path.LastIndexOf('/') + 1)..], entry), buffer.Bytes[Unsafe.SizeOf<HypFsDirEntry>()..needed].ToArray());
        }
    }

    /// <summary>What is in a folder.</summary>
    public IReadOnlyList<HypFsNode> ListNodes(string path)
    {
        (HypFsNode folder, byte[] contents) = ReadNode(path);
        if (folder.Type != HypFsType.Direction)
            throw new HypercallException($"listing {path}", null, Errno.NotDir);
        List<HypFsNode> nodes = [];
        for (int offset = 0; offset + Unsafe.SizeOf<HypFsDirListEntry>() <= contents.Length;)
        {
            HypFsDirListEntry entry = MemoryMarshal.Read<HypFsDirListEntry>(contents.AsSpan(offset));
            // The name follows the 16-bit offset, without the structure's padding.
            nodes.Add(Node(Text(contents.AsSpan(offset + Unsafe.SizeOf<HypFsDirEntry>() + sizeof(ushort))), entry.E));
            if (entry.OffNext == 0)
                break;
            offset += entry.OffNext;
        }
        return nodes;
    }

    /// <summary>The contents as one writes them: a text, a number, 1 or 0; null for those that are neither.</summary>
    public string? ReadNodeText(string path)
    {
        (HypFsNode node, byte[] contents) = ReadNode(path);
        if (node.Encoding != HypFsEncoding.Plain)
            return null;
        Span<byte> number = stackalloc byte[sizeof(ulong)];
        contents.AsSpan(0, Math.Min(contents.Length, sizeof(ulong))).CopyTo(number);
        int unused = 64 - (8 * Math.Min(contents.Length, sizeof(ulong)));
        ulong value = BitConverter.ToUInt64(number);
        return node.Type switch
        {
            HypFsType.String => Text(contents),
            HypFsType.Uint => value.ToString(CultureInfo.InvariantCulture),
            HypFsType.Int => ((long)(value << unused) >> unused).ToString(CultureInfo.InvariantCulture),
            HypFsType.Bool => value != 0 ? "1" : "0",
            _ => null,
        };
    }

    /// <summary>Writes a value as one types it. What the node's type does not take is EDOM or ERANGE, as libxenhypfs has it.</summary>
    public void WriteNode(string path, string value)
    {
        HypFsNode node = ReadNode(path).Node;
        Errno refusal = node.MostWritten == 0 ? Errno.Access : node.Encoding != HypFsEncoding.Plain ? Errno.Domain : 0;
        byte[] contents = refusal != 0 ? [] : node.Type switch
        {
            HypFsType.String => [.. Encoding.Latin1.GetBytes(value), 0],
            HypFsType.Uint => NumberBytes(ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) ? number : null, node.Size, isSigned: false, ref refusal),
            HypFsType.Int => NumberBytes(long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? (ulong)number : null, node.Size, isSigned: true, ref refusal),
            HypFsType.Bool => NumberBytes(value switch { "1" or "on" or "yes" or "true" or "enable" => 1, "0" or "off" or "no" or "false" or "disable" => 0, _ => null }, node.Size, isSigned: false, ref refusal),
            _ => NumberBytes(null, node.Size, isSigned: false, ref refusal),
        };
        if (refusal != 0)
            throw new HypercallException($"writing \"{value}\" to {path}", null, refusal);
        using HypercallBuffer name = PathBuffer(path), buffer = Gate.RentCopy<byte>(contents);
        Check(Gate.Call(HypercallNumber.HypFsOperation, (ulong)HypFsOperation.WriteContents, name.Address, (ulong)name.Length, buffer.Address, (ulong)contents.Length), $"writing \"{value}\" to {path}", null);
    }

    private static HypFsNode Node(string name, in HypFsDirEntry entry) => new(name, entry.Type, entry.Encoding, entry.ContentLength, entry.MaxWriteLength);

    private static byte[] NumberBytes(ulong? number, uint size, bool isSigned, ref Errno refusal)
    {
        if (number is not { } value)
        {
            refusal = Errno.Domain;
            return [];
        }
        int unused = 64 - (8 * (int)size);
        if (unused > 0 && (isSigned ? (ulong)((long)(value << unused) >> unused) : value << unused >> unused) != value)
            refusal = Errno.Range;
        return BitConverter.GetBytes(value)[..(int)Math.Min(size, sizeof(ulong))];
    }

    private HypercallBuffer PathBuffer(string path) => Gate.RentCopy<byte>([.. Encoding.Latin1.GetBytes(path), 0]);
}
