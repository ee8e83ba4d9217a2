// SPDX-License-Identifier: MIT
// A disk in QEMU's qcow2 format, versions 2 and 3: sparse, with a backing file, read and written. Format: docs/interop/qcow2.txt of QEMU.

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Threading;
using Microsoft.Win32.SafeHandles;

namespace XenSharp.BlockBackend.Images;

/// <summary>
/// Two levels of tables name a cluster for each part of the disk. Reads go in parallel; a write that must allocate waits for the others.
/// The order on disk is: count, data, table entry.
/// </summary>
internal sealed class Qcow2Image : DiskImage
{
    private const ulong Copied = 1UL << 63, Compressed = 1UL << 62, ReadsZero = 1, OffsetMask = 0x00ff_ffff_ffff_fe00;
    private const int CachedTables = 256;

    private readonly SafeFileHandle _file;
    private readonly string _path;
    private readonly Qcow2Header _header;
    private readonly Qcow2Refcounts _refcounts;
    private readonly DiskImage? _backing;
    private readonly ulong[] _l1;
    private readonly Dictionary<long, ulong[]> _tables = [];
    private readonly Lock _tablesLock = new();
    private readonly ReaderWriterLockSlim _lock = new(LockRecursionPolicy.NoRecursion);

    public Qcow2Image(string path, bool readOnly, Func<string, string?, DiskImage> openBacking)
    {
        _path = path;
        IsReadOnly = readOnly;
        _file = File.OpenHandle(path, FileMode.Open, readOnly ? FileAccess.Read : FileAccess.ReadWrite, FileShare.Read);
        try
        {
            _header = Qcow2Header.Read(_file, path, readOnly);
            _refcounts = new Qcow2Refcounts(_file, _header, path);
            _l1 = ReadTable(_header.L1Offset, _header.L1Entries);
            if (_header.BackingFile != null)
                _backing = openBacking(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, _header.BackingFile), _header.BackingFormat);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    public override long Length => _header.VirtualSize;

    public override bool IsReadOnly { get; }

    private int TableBits => _header.ClusterBits - 3;

    public override void Read(long offset, Span<byte> destination)
    {
        _lock.EnterReadLock();
        try
        {
            while (destination.Length > 0)
            {
                int part = PartOf(offset, destination.Length);
                ReadPart(offset, destination[..part]);
                offset += part;
                destination = destination[part..];
            }
        }
        finally
        {
            _lock.ExitReadLock();
        }
    }

    public override void Write(long offset, ReadOnlySpan<byte> source)
    {
        while (source.Length > 0)
        {
            int part = PartOf(offset, source.Length);
            if (!TryWriteInPlace(offset, source[..part]))
                WriteAllocating(offset, source[..part]);
            offset += part;
            source = source[part..];
        }
    }

    public override void Flush() => RandomAccess.FlushToDisk(_file);

    public override void Discard(long offset, long length)
    {
        if (_header.Version < 3)
            return;
        long first = (offset + _header.ClusterSize - 1) & -_header.ClusterSize, end = (offset + length) & -_header.ClusterSize;
        for (long position = first; position < end; position += _header.ClusterSize)
            MakeZero(position);
    }

    public override void Dispose()
    {
        _file.Dispose();
        _backing?.Dispose();
        _lock.Dispose();
    }

    private int PartOf(long offset, int length) => (int)Math.Min(length, _header.ClusterSize - (offset & (_header.ClusterSize - 1)));

    private void ReadPart(long offset, Span<byte> destination)
    {
        ulong entry = EntryOf(offset);
        long inCluster = offset & (_header.ClusterSize - 1);
        if ((entry & Compressed) != 0)
            ReadCompressed(entry, inCluster, destination);
        else if (_header.Version >= 3 && (entry & ReadsZero) != 0)
            destination.Clear();
        else if ((entry & OffsetMask) != 0)
            FileRange.Read(_file, (long)(entry & OffsetMask) + inCluster, destination);
        else
            ReadBacking(offset, destination);
    }

    private void ReadBacking(long offset, Span<byte> destination)
    {
        long present = _backing == null ? 0 : Math.Clamp(_backing.Length - offset, 0, destination.Length);
        if (present > 0)
            _backing!.Read(offset, destination[..(int)present]);
        destination[(int)present..].Clear();
    }

    // The entry holds where the data starts and how many 512-byte sectors it reaches into.
    private void ReadCompressed(ulong entry, long inCluster, Span<byte> destination)
    {
        int offsetBits = 62 - (_header.ClusterBits - 8);
        long start = (long)(entry & ((1UL << offsetBits) - 1));
        long sectors = (long)((entry & (Compressed - 1)) >> offsetBits) + 1;
        byte[] packed = new byte[(sectors * SectorSize) - (start & (SectorSize - 1))];
        FileRange.Read(_file, start, packed);
        byte[] cluster = new byte[_header.ClusterSize];
        using var inflate = new DeflateStream(new MemoryStream(packed), CompressionMode.Decompress);
        try
        {
            inflate.ReadExactly(cluster);
        }
        catch (Exception fault) when (fault is InvalidDataException or EndOfStreamException)
        {
            throw new IOException($"the image {_path} has a damaged compressed cluster at {start}", fault);
        }

        cluster.AsSpan((int)inCluster, destination.Length).CopyTo(destination);
    }

    private bool TryWriteInPlace(long offset, ReadOnlySpan<byte> source)
    {
        _lock.EnterReadLock();
        try
        {
            ulong entry = EntryOf(offset);
            if ((entry & Copied) == 0 || (entry & (Compressed | ReadsZero)) != 0)
                return false;
            _refcounts.Write((long)(entry & OffsetMask) + (offset & (_header.ClusterSize - 1)), source);
            return true;
        }
        finally
        {
            _lock.ExitReadLock();
        }
    }

    private void WriteAllocating(long offset, ReadOnlySpan<byte> source)
    {
        _lock.EnterWriteLock();
        try
        {
            long clusterStart = offset & -_header.ClusterSize;
            ulong old = EntryOf(offset);
            byte[] cluster = new byte[_header.ClusterSize];
            if (source.Length < cluster.Length)
                ReadPart(clusterStart, cluster.AsSpan(0, (int)Math.Min(cluster.Length, Length - clusterStart)));
            source.CopyTo(cluster.AsSpan((int)(offset - clusterStart)));
            bool reuse = (old & Copied) != 0 && (old & Compressed) == 0 && (old & OffsetMask) != 0;
            long target = reuse ? (long)(old & OffsetMask) : _refcounts.Allocate();
            _refcounts.Write(target, cluster);
            SetEntry(offset, (ulong)target | Copied);
            if (!reuse && (old & Compressed) == 0 && (old & OffsetMask) != 0)
                _refcounts.Drop((long)(old & OffsetMask));
        }
        finally
        {
            _lock.ExitWriteLock();
        }
    }

    private void MakeZero(long offset)
    {
        _lock.EnterWriteLock();
        try
        {
            ulong entry = EntryOf(offset);
            if ((entry & Compressed) == 0 && (entry & ReadsZero) == 0 && ((entry & Copied) != 0 || (_backing != null && entry == 0)))
                SetEntry(offset, entry | ReadsZero);
        }
        finally
        {
            _lock.ExitWriteLock();
        }
    }

    private ulong EntryOf(long offset)
    {
        long cluster = offset >> _header.ClusterBits;
        ulong l1 = _l1[cluster >> TableBits];
        return (l1 & OffsetMask) == 0 ? 0 : Table((long)(l1 & OffsetMask))[cluster & ((1L << TableBits) - 1)];
    }

    private void SetEntry(long offset, ulong entry)
    {
        long cluster = offset >> _header.ClusterBits;
        long table = OwnTable((int)(cluster >> TableBits));
        long index = cluster & ((1L << TableBits) - 1);
        WriteEntry(table + (index * 8), entry);
        Table(table)[index] = entry;
    }

    // The second-level table for writing: made when missing, copied when a snapshot shares it.
    private long OwnTable(int l1Index)
    {
        ulong l1 = _l1[l1Index];
        if ((l1 & Copied) != 0)
            return (long)(l1 & OffsetMask);
        long old = (long)(l1 & OffsetMask);
        long table = _refcounts.Allocate();
        byte[] content = new byte[_header.ClusterSize];
        if (old != 0)
            FileRange.Read(_file, old, content);
        _refcounts.Write(table, content);
        WriteEntry(_header.L1Offset + (l1Index * 8L), (ulong)table | Copied);
        _l1[l1Index] = (ulong)table | Copied;
        if (old != 0)
            _refcounts.Drop(old);
        return table;
    }

    private ulong[] Table(long offset)
    {
        lock (_tablesLock)
        {
            if (_tables.TryGetValue(offset, out ulong[]? known))
                return known;
            // A full cache starts anew: simple, and rare (256 tables of 64 KiB clusters describe 128 GiB).
            if (_tables.Count >= CachedTables)
                _tables.Clear();
            return _tables[offset] = ReadTable(offset, 1 << TableBits);
        }
    }

    private ulong[] ReadTable(long offset, int count)
    {
        byte[] data = new byte[count * 8];
        FileRange.Read(_file, offset, data);
        ulong[] table = new ulong[count];
        for (int i = 0; i < count; i++)
            table[i] = BinaryPrimitives.ReadUInt64BigEndian(data.AsSpan(i * 8));
        return table;
    }

    private void WriteEntry(long position, ulong value)
    {
        Span<byte> data = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(data, value);
        _refcounts.Write(position, data);
    }
}
