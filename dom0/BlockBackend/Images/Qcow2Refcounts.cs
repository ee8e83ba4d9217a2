// SPDX-License-Identifier: MIT
// Allocation of clusters in a qcow2 file: 16-bit counts in blocks that a table names. Used by Qcow2Image under its lock.

using System;
using System.Buffers.Binary;
using System.IO;
using Microsoft.Win32.SafeHandles;

namespace XenSharp.BlockBackend.Images;

/// <summary>
/// New clusters come from the end of the file. A count is on disk before anything refers to its cluster, so that a crash can lose
/// space and never content.
/// </summary>
internal sealed class Qcow2Refcounts
{
    private readonly SafeFileHandle _file;
    private readonly Qcow2Header _header;
    private readonly string _path;
    private readonly ulong[] _table;
    private long _end;

    public Qcow2Refcounts(SafeFileHandle file, Qcow2Header header, string path)
    {
        _file = file;
        _header = header;
        _path = path;
        _table = new ulong[header.RefcountTableClusters * header.ClusterSize / 8];
        byte[] data = new byte[_table.Length * 8];
        FileRange.Read(file, header.RefcountTableOffset, data);
        for (int i = 0; i < _table.Length; i++)
            _table[i] = BinaryPrimitives.ReadUInt64BigEndian(data.AsSpan(i * 8));
        _end = (RandomAccess.GetLength(file) + header.ClusterSize - 1) & -header.ClusterSize;
    }

    private long CountsPerBlock => _header.ClusterSize / 2;

    /// <summary>A cluster with count 1 whose content is whatever the file has there (zeros: it lies behind the end).</summary>
    public long Allocate()
    {
        long cluster = TakeEnd();
        SetCount(cluster, 1);
        return cluster;
    }

    /// <summary>One user less, as for a cluster that a snapshot shares and this disk has copied.</summary>
    public void Drop(long offset)
    {
        long block = BlockOf(offset, out long position);
        if (block == 0)
            throw Qcow2Header.Refuse(_path, $"uses the cluster at {offset} without counting it: run `qemu-img check` on it");
        Span<byte> count = stackalloc byte[2];
        FileRange.Read(_file, block + position, count);
        ushort value = BinaryPrimitives.ReadUInt16BigEndian(count);
        if (value == 0)
            throw Qcow2Header.Refuse(_path, $"counts no user of the cluster at {offset}: run `qemu-img check` on it");
        BinaryPrimitives.WriteUInt16BigEndian(count, (ushort)(value - 1));
        Write(block + position, count);
    }

    /// <summary>Writes to a part of the file that has been allocated; a damaged table may name others.</summary>
    public void Write(long offset, ReadOnlySpan<byte> data)
    {
        if (offset < 0 || offset > _end - data.Length)
            throw Qcow2Header.Refuse(_path, $"names the offset {offset} beyond its end: run `qemu-img check` on it");
        RandomAccess.Write(_file, data, offset);
    }

    private long TakeEnd()
    {
        long cluster = _end;
        _end += _header.ClusterSize;
        return cluster;
    }

    private void SetCount(long offset, ushort value)
    {
        long block = BlockOf(offset, out long position);
        if (block == 0)
            block = AddBlock(offset);
        Span<byte> count = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(count, value);
        Write(block + position, count);
    }

    private long BlockOf(long offset, out long position)
    {
        long index = offset >> _header.ClusterBits;
        position = index % CountsPerBlock * 2;
        long entry = index / CountsPerBlock;
        if (entry >= _table.Length)
            throw new IOException($"the image {_path} cannot grow beyond {_table.Length * CountsPerBlock * _header.ClusterSize} bytes: its reference count table is full");
        return (long)_table[entry];
    }

    // A block counts itself when it lies in the range that it describes, as a new one at the end mostly does.
    private long AddBlock(long offset)
    {
        long entry = (offset >> _header.ClusterBits) / CountsPerBlock;
        long block = TakeEnd();
        Write(block, new byte[_header.ClusterSize]);
        _table[entry] = (ulong)block;
        SetCount(block, 1);
        Span<byte> data = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(data, (ulong)block);
        Write(_header.RefcountTableOffset + (entry * 8), data);
        return block;
    }
}
