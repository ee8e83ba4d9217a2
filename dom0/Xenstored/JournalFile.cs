// SPDX-License-Identifier: MIT
// A file that grows by groups of records, each whole or not there at all. Used by StateFolder.
//
//   0   magic and version
//   8   bytes in use: one store makes a group part of the file
//   16  length reserved so far
//   64  groups: length of the records, count of slots, each record with its length before it, each slot's number and position; to a multiple of 8
//
// The file is mapped, so that what is in it survives the daemon, though not the host; space is reserved before it is written.

using System;
using System.Buffers.Binary;
using System.IO;
using System.Threading;
using XenSharp.Interop;

namespace XenSharp.Xenstored;

internal delegate void RecordSink(ReadOnlySpan<byte> record);

internal delegate void PositionSink(int slot, ulong position);

internal sealed class JournalFile : IDisposable
{
    public const long MostBytes = 4L << 30;

    private const ulong Magic = 0x3130_4A53_5853_5358;     // "XSXSJ01" and a zero
    private const int TailField = 8;
    private const int Start = 64;
    private const int GroupHeader = 8;
    private const long ReserveStep = 1 << 20;

    private readonly SharedRegion _region;
    private readonly long _most;
    private bool _isTorn;
    private long _tail;
    private long _reserved;
    private long _pending;      // Bytes of records behind the tail that are not part of the file yet.
    private bool _isFull;

    private JournalFile(string path, SharedRegion region, long most)
    {
        Path = path;
        _region = region;
        _most = most;
    }

    public string Path { get; }

    public long Length => _tail;

    public bool HasPending => _pending > 0;

    /// <summary>No more can be written: the disk is full. What is in it stays good.</summary>
    public bool IsFull => _isFull;

    public static JournalFile? Create(string path, long most = MostBytes)
    {
        SharedRegion region = SharedRegion.OfFile(path, MostBytes);
        JournalFile file = new(path, region, most) { _tail = Start };
        if (!file.Reserve(Start))
        {
            region.Dispose();
            File.Delete(path);
            return null;
        }
        region.At<ulong>(TailField) = Start;
        Volatile.Write(ref region.At<ulong>(0), Magic);
        return file;
    }

    /// <summary>Opens a file for reading its groups and adding to them. One that has lost its end can be read up to there.</summary>
    public static JournalFile Open(string path, long most = MostBytes)
    {
        long length = new FileInfo(path).Length;
        if (length < Start)
            throw new InvalidDataException($"{path} is too short to be a journal.");
        SharedRegion region = SharedRegion.OfFile(path, MostBytes);
        JournalFile file = new(path, region, most) { _tail = (long)region.At<ulong>(TailField) };
        if (region.At<ulong>(0) != Magic || file._tail < Start || file._tail > MostBytes || file._tail % 8 != 0)
        {
            region.Dispose();
            throw new InvalidDataException($"{path} is no journal, or is damaged.");
        }
        file._isTorn = file._tail > length;
        file._tail = Math.Min(file._tail, length & ~7L);
        file._reserved = file._tail;
        return file;
    }

    /// <summary>Whether so many more bytes can be written, records' lengths and all.</summary>
    public bool HasRoom(long more) => !_isFull && Reserve(_tail + _pending + more);

    public void Add(ReadOnlySpan<byte> record)
    {
        _isFull = _isFull || !Reserve(_tail + GroupHeader + _pending + sizeof(ushort) + record.Length + 8);
        if (_isFull)
            return;
        Span<byte> target = _region.Slice(_tail + GroupHeader + _pending, sizeof(ushort) + record.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(target, (ushort)record.Length);
        record.CopyTo(target[sizeof(ushort)..]);
        _pending += sizeof(ushort) + record.Length;
    }

    /// <summary>Makes the records since the last time one group, with the positions that the slots have with it.</summary>
    public void Commit(ReadOnlySpan<(int Slot, ulong Position)> positions)
    {
        long end = _tail + GroupHeader + _pending;
        if (_pending == 0 && positions.IsEmpty)
            return;
        _isFull = _isFull || !Reserve(end + positions.Length * 12 + 8);
        if (_isFull)
        {
            _pending = 0;
            return;
        }
        foreach ((int slot, ulong position) in positions)
        {
            Span<byte> target = _region.Slice(end, 12);
            BinaryPrimitives.WriteInt32LittleEndian(target, slot);
            BinaryPrimitives.WriteUInt64LittleEndian(target[4..], position);
            end += 12;
        }
        Span<byte> header = _region.Slice(_tail, GroupHeader);
        BinaryPrimitives.WriteInt32LittleEndian(header, (int)_pending);
        BinaryPrimitives.WriteInt32LittleEndian(header[4..], positions.Length);
        _tail = (end + 7) & ~7;
        _pending = 0;
        Volatile.Write(ref _region.At<ulong>(TailField), (ulong)_tail);
    }

    /// <summary>Groups that the last <see cref="Read"/> has read whole; if it failed, those before the one that is damaged.</summary>
    public long GroupsRead { get; private set; }

    /// <param name="groups">How many to read at most.</param>
    public void Read(RecordSink records, PositionSink positions, long groups = long.MaxValue)
    {
        long place = Start;
        for (GroupsRead = 0; place < _tail && GroupsRead < groups; GroupsRead++)
        {
            Span<byte> header = Slice(place, GroupHeader);
            int length = BinaryPrimitives.ReadInt32LittleEndian(header);
            int slots = BinaryPrimitives.ReadInt32LittleEndian(header[4..]);
            if (length < 0 || slots < 0 || (length | slots) == 0 || place + GroupHeader + length + slots * 12L > _tail)
                throw new InvalidDataException($"{Path} has a damaged group.");
            place += GroupHeader;
            ReadOnlySpan<byte> rest = Slice(place, length);
            while (!rest.IsEmpty)
            {
                int size = rest.Length < sizeof(ushort) ? -1 : BinaryPrimitives.ReadUInt16LittleEndian(rest);
                if (size < 1 || size > rest.Length - sizeof(ushort))
                    throw new InvalidDataException($"{Path} has a damaged record.");
                records(rest.Slice(sizeof(ushort), size));
                rest = rest[(sizeof(ushort) + size)..];
            }
            place += length;
            for (int slot = 0; slot < slots; slot++, place += 12)
            {
                Span<byte> entry = Slice(place, 12);
                positions(BinaryPrimitives.ReadInt32LittleEndian(entry), BinaryPrimitives.ReadUInt64LittleEndian(entry[4..]));
            }
            place = (place + 7) & ~7;
        }
        if (_isTorn && GroupsRead < groups)
            throw new InvalidDataException($"{Path} ends too early.");
    }

    public void Dispose() => _region.Dispose();

    private Span<byte> Slice(long offset, int length) =>
        offset + length <= _tail ? _region.Slice(offset, length) : throw new InvalidDataException($"{Path} ends too early.");

    private bool Reserve(long end)
    {
        if (end <= _reserved)
            return true;
        long next = (end + ReserveStep - 1) / ReserveStep * ReserveStep;
        if (next > _most || !_region.Reserve(_reserved, next - _reserved))
            return false;
        _reserved = next;
        return true;
    }
}
