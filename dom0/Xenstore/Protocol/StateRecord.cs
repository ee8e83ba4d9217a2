// SPDX-License-Identifier: MIT
// Records of changes: what the state is made from anew after a restart. Written by XenstoreServer, read by its Restore part.

using System;
using System.Buffers.Binary;

namespace XenSharp.Xenstore.Protocol;

/// <summary>The kind is a record's first byte. Numbers are never given to another kind: a newer program reads what an older one wrote.</summary>
internal enum StateRecord : byte
{
    Value = 1,
    Create = 2,
    Permissions = 3,
    Remove = 4,
    ConnectionOpened = 5,
    ConnectionClosed = 6,
    WatchAdded = 7,
    WatchRemoved = 8,
    WatchesReset = 9,
    TransactionStarted = 10,
    TransactionRequest = 11,
    TransactionEnded = 12,
    SpecialPermissions = 13,
    DomainMet = 14,
    DomainGone = 15,
    DomainFlags = 16,
    TargetSet = 17,
    QuotaSet = 18,
    Node = 19,
    Counters = 20,
    Incarnation = 21,
}

/// <summary>Little-endian fields, and byte strings with a 16-bit length before them.</summary>
internal ref struct RecordWriter
{
    private readonly Span<byte> _buffer;

    public RecordWriter(Span<byte> buffer, StateRecord kind)
    {
        _buffer = buffer;
        _buffer[0] = (byte)kind;
        Length = 1;
    }

    public int Length { get; private set; }

    public readonly ReadOnlySpan<byte> Written => _buffer[..Length];

    public void Add(byte value) => _buffer[Length++] = value;

    public void Add(ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_buffer[Length..], value);
        Length += sizeof(ushort);
    }

    public void Add(int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_buffer[Length..], value);
        Length += sizeof(int);
    }

    public void Add(uint value) => Add((int)value);

    public void Add(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_buffer[Length..], value);
        Length += sizeof(ulong);
    }

    public void Add(scoped ReadOnlySpan<byte> text)
    {
        Add((ushort)text.Length);
        text.CopyTo(_buffer[Length..]);
        Length += text.Length;
    }
}

/// <summary>Reads what RecordWriter wrote; a record that is too short or too long is no record.</summary>
internal ref struct RecordReader(ReadOnlySpan<byte> record)
{
    private ReadOnlySpan<byte> _rest = record;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    public byte Byte() => Take(1)[0];

    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(sizeof(ushort)));

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(sizeof(int)));

    public uint UInt32() => (uint)Int32();

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong)));

    public ReadOnlySpan<byte> Text() => Take(UInt16());

    private ReadOnlySpan<byte> Take(int length)
    {
        if (length > _rest.Length)
            throw new StateException("A record ends too early.");
        ReadOnlySpan<byte> taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }
}

/// <summary>A saved state that cannot be read. The store that was to take it over is not usable; the state is untouched.</summary>
public sealed class StateException(string message) : Exception(message);
