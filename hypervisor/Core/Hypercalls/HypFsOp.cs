// SPDX-License-Identifier: MIT
// HYPERVISOR_hypfs_op (xen/include/public/hypfs.h): reads and writes entries of the hypervisor's file system by path.

using System;
using XenSharp.Abi;
using XenSharp.Core.HypFs;
using XenSharp.Core.Memory;
using XenSharp.Core.Options;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

/// <summary>XEN_HYPFS_OP_*; the dispatch table lets only the control domain in.</summary>
public static class HypFsOp
{
    private const int EntrySize = 12, NameOffset = 14, EntryAlignment = 4;
    private const int MaxWrite = 128;

    public static long Call(Vcpu caller, in HypercallArguments arguments)
    {
        var operation = (HypFsOperation)(uint)arguments.First;
        if (operation == HypFsOperation.GetVersion)
        {
            bool clean = arguments.Second == 0 && arguments.Third == 0 && arguments.Fourth == 0 && arguments.Fifth == 0;
            return clean ? HypFsLimits.Version : EINVAL;
        }

        if (arguments.Third > HypFsLimits.MaxPathLength)
            return EINVAL;
        Span<byte> path = stackalloc byte[(int)HypFsLimits.MaxPathLength];
        path = path.Slice(0, (int)arguments.Third);
        if (!GuestAccess.Read(caller, arguments.Second, path))
            return EFAULT;
        if (path.Length == 0 || Ascii.IndexOf(path, 0) != path.Length - 1 || path[0] != (byte)'/')
            return EINVAL;
        if (!HypFsTree.TryFind(path.Slice(0, path.Length - 1), out HypFsNode node))
            return ENOENT;
        return operation switch
        {
            HypFsOperation.Read => Read(caller, node, arguments.Fourth, arguments.Fifth),
            HypFsOperation.WriteContents => Write(caller, node, arguments.Fourth, arguments.Fifth),
            _ => EOPNOTSUPP,
        };
    }

    private static long Read(Vcpu caller, HypFsNode node, ulong buffer, ulong size)
    {
        if (size < EntrySize)
            return EINVAL;
        Span<byte> content = stackalloc byte[HypFsContent.MaxLength];
        int length = Describe(caller.Host, node, content, out HypFsDirEntry entry);
        if (!GuestAccess.TryWrite(caller, buffer, in entry))
            return EFAULT;
        if (size < (ulong)(length + EntrySize))
            return ENOBUFS;
        buffer += EntrySize;
        if (HypFsTree.Type(node) == HypFsType.Direction)
            return List(caller, node, buffer);
        return GuestAccess.Write(caller, buffer, content.Slice(0, length)) ? 0 : EFAULT;
    }

    // The entry's head; for a leaf also its content.
    private static int Describe(Host host, HypFsNode node, Span<byte> content, out HypFsDirEntry entry)
    {
        int length = HypFsTree.Type(node) == HypFsType.Direction ? ListLength(node) : HypFsContent.Read(host, node, content);
        entry = default;
        entry.Type = HypFsTree.Type(node);
        entry.Encoding = HypFsTree.Encoding(node);
        entry.ContentLength = (uint)length;
        entry.MaxWriteLength = HypFsTree.Limit(node);
        return length;
    }

    private static int ListLength(HypFsNode directory)
    {
        int length = 0;
        for (int i = 1; i < HypFsTree.Count; i++)
        {
            if (HypFsTree.IsChild((HypFsNode)i, directory))
                length += RecordLength((HypFsNode)i);
        }

        return length;
    }

    private static int RecordLength(HypFsNode node) =>
        (NameOffset + HypFsTree.Name(node).Length + 1 + EntryAlignment - 1) & ~(EntryAlignment - 1);

    private static long List(Vcpu caller, HypFsNode directory, ulong buffer)
    {
        Span<byte> content = stackalloc byte[HypFsContent.MaxLength];
        Span<byte> record = stackalloc byte[64];
        int rest = ListLength(directory);
        for (int i = 1; i < HypFsTree.Count; i++)
        {
            var node = (HypFsNode)i;
            if (!HypFsTree.IsChild(node, directory))
                continue;
            Describe(caller.Host, node, content, out HypFsDirEntry entry);
            int length = RecordLength(node);
            rest -= length;
            record.Clear();
            AbiBytes.OfReadOnly(in entry).CopyTo(record);
            System.Buffers.Binary.BinaryPrimitives.WriteUInt16LittleEndian(record.Slice(EntrySize), rest == 0 ? (ushort)0 : (ushort)length);
            HypFsTree.Name(node).CopyTo(record.Slice(NameOffset));
            if (!GuestAccess.Write(caller, buffer, record.Slice(0, NameOffset + HypFsTree.Name(node).Length + 1)))
                return EFAULT;
            buffer += (ulong)length;
        }

        return 0;
    }

    private static long Write(Vcpu caller, HypFsNode node, ulong buffer, ulong size)
    {
        if (HypFsTree.Limit(node) == 0)
            return EACCES;
        if (size > MaxWrite)
            return ENOSPC;
        Span<byte> value = stackalloc byte[MaxWrite];
        value = value.Slice(0, (int)size);
        if (!GuestAccess.Read(caller, buffer, value))
            return EFAULT;
        if (value.Length == 0 || Ascii.IndexOf(value, 0) != value.Length - 1)
            return EDOM;
        return HypFsContent.Write(caller.Host, node, value.Slice(0, value.Length - 1));
    }
}
