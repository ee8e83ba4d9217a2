// SPDX-License-Identifier: MIT
// Where a client's bytes are kept, in memory that outlives the daemon: a ring of requests, a ring of answers, and the counters. Used by Client.
//
// A counter changes by one store of eight bytes, so that a daemon killed at any instruction leaves a slot that can be read:
//
//   position    requests served, end of the answers to them: both move together
//   receiving   bytes received before the call under way (and whether one is), to which the call's own count is added
//   sending     the same for bytes sent
//
// The counts of a call are written by the kernel before the call can be interrupted for good.

using System;
using System.Threading;
using XenSharp.Interop;

namespace XenSharp.Xenstored;

/// <summary>Counters run freely over 32 bits; the rings' sizes are powers of two.</summary>
internal sealed class Slot(SharedRegion region, long start)
{
    public const int InSize = 8 * 1024;
    public const int OutSize = 16 * 1024;
    public const int Size = InStart + InSize + OutSize + 3840;     // A multiple of the page's size.

    private const int PositionField = 0;
    private const int ReceivingField = 8;
    private const int SendingField = 16;
    private const int ConnectionField = 24;
    private const int DomainField = 28;
    private const int PortField = 32;
    private const int ReceiveHeader = 64;
    private const int SendHeader = 160;
    private const int InStart = 256;
    private const int OutStart = InStart + InSize;

    private const ulong ActiveBit = 1ul << 32;

    private readonly byte[] _straight = new byte[InSize];

    public uint Received { get; private set; }

    /// <summary>Bytes of requests that were served.</summary>
    public uint Taken { get; private set; }

    /// <summary>End of the answers so far, in part not yet published.</summary>
    public uint OutEnd { get; private set; }

    public uint Sent { get; private set; }

    public int Waiting => (int)(Received - Taken);

    public int Unsent => (int)(OutEnd - Sent);

    public int OutRoom => OutSize - Unsent;

    public ref int ConnectionId => ref region.At<int>(start + ConnectionField);

    public ref int Domain => ref region.At<int>(start + DomainField);

    public ref int Port => ref region.At<int>(start + PortField);

    /// <summary>Both counters of the position as one number.</summary>
    public ulong Position => Taken | (ulong)OutEnd << 32;

    /// <summary>A slot for a new client.</summary>
    public void Clear(int connectionId, int domain)
    {
        region.Slice(start, InStart).Clear();
        ConnectionId = connectionId;
        Domain = domain;
        Received = Taken = OutEnd = Sent = 0;
    }

    /// <summary>Reads the counters that a former daemon left.</summary>
    /// <param name="journaled">The last position that the journal has for this slot; it counts if it is ahead of the slot's own.</param>
    public void Restore(ulong? journaled)
    {
        ulong last = Field(PositionField);
        Received = Settle(ReceivingField, ReceiveHeader);
        if (journaled is { } other && IsBehind(last, other) && Received - (uint)other <= InSize)
            last = other;
        Taken = (uint)last;
        OutEnd = (uint)(last >> 32);
        Field(PositionField) = last;
        Sent = Settle(SendingField, SendHeader);
    }

    /// <summary>Begins with counters that the other side has already.</summary>
    public void Begin(uint received, uint sent)
    {
        Received = Taken = received;
        Sent = OutEnd = sent;
        Volatile.Write(ref Field(ReceivingField), received);
        Volatile.Write(ref Field(SendingField), sent);
        Publish();
    }

    /// <summary>Receives what fits.</summary>
    public TransferState Receive(int descriptor)
    {
        int room = InSize - Waiting;
        int place = (int)(Received % InSize);
        int first = Math.Min(room, InSize - place);
        Begin(ReceivingField, ReceiveHeader, Received);
        TransferState state = UnixSocket.Receive(descriptor, region, start + ReceiveHeader, start + InStart + place, first, start + InStart, room - first);
        Received = End(ReceivingField, ReceiveHeader, Received);
        return state;
    }

    /// <summary>Sends what is published, as far as the socket takes it.</summary>
    public TransferState Send(int descriptor)
    {
        int place = (int)(Sent % OutSize);
        int first = Math.Min(Unsent, OutSize - place);
        Begin(SendingField, SendHeader, Sent);
        TransferState state = UnixSocket.Send(descriptor, region, start + SendHeader, start + OutStart + place, first, start + OutStart, Unsent - first);
        Sent = End(SendingField, SendHeader, Sent);
        return state;
    }

    /// <summary>Adds bytes from elsewhere than a socket.</summary>
    public void AddReceived(ReadOnlySpan<byte> bytes)
    {
        Copy(bytes, InStart, InSize, Received);
        Received += (uint)bytes.Length;
        Volatile.Write(ref Field(ReceivingField), Received);
    }

    /// <summary>Unsent bytes up to the ring's end or their own.</summary>
    public ReadOnlySpan<byte> NextToSend()
    {
        int place = (int)(Sent % OutSize);
        return region.Slice(start + OutStart + place, Math.Min(Unsent, OutSize - place));
    }

    public void AddSent(int count)
    {
        Sent += (uint)count;
        Volatile.Write(ref Field(SendingField), Sent);
    }

    /// <summary>Waiting bytes from a place on, as one piece; copied if they lie around the ring's end.</summary>
    public ReadOnlySpan<byte> Peek(int skip, int length)
    {
        int place = (int)((Taken + (uint)skip) % InSize);
        int first = Math.Min(length, InSize - place);
        if (first == length)
            return region.Slice(start + InStart + place, length);
        region.Slice(start + InStart + place, first).CopyTo(_straight);
        region.Slice(start + InStart, length - first).CopyTo(_straight.AsSpan(first));
        return _straight.AsSpan(0, length);
    }

    public void Take(int length) => Taken += (uint)length;

    /// <summary>There must be room. Not published yet.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        Copy(bytes, OutStart, OutSize, OutEnd);
        OutEnd += (uint)bytes.Length;
    }

    /// <summary>What was taken counts as served, and what was appended as its answer.</summary>
    public void Publish() => Volatile.Write(ref Field(PositionField), Position);

    private static bool IsBehind(ulong position, ulong other) =>
        (int)((uint)other - (uint)position) > 0 || ((uint)other == (uint)position && (int)((uint)(other >> 32) - (uint)(position >> 32)) > 0);

    private ref ulong Field(int field) => ref region.At<ulong>(start + field);

    private void Begin(int field, int header, uint counter)
    {
        Volatile.Write(ref region.At<uint>(start + header + UnixSocket.CountOffset), 0);
        Volatile.Write(ref Field(field), counter | ActiveBit);
    }

    private uint End(int field, int header, uint counter)
    {
        counter += region.At<uint>(start + header + UnixSocket.CountOffset);
        Volatile.Write(ref Field(field), counter);
        return counter;
    }

    private uint Settle(int field, int header)
    {
        ulong value = Field(field);
        return (value & ActiveBit) != 0 ? End(field, header, (uint)value) : (uint)value;
    }

    private void Copy(ReadOnlySpan<byte> bytes, int ring, int size, uint counter)
    {
        int place = (int)(counter % (uint)size);
        int first = Math.Min(bytes.Length, size - place);
        bytes[..first].CopyTo(region.Slice(start + ring + place, first));
        bytes[first..].CopyTo(region.Slice(start + ring, bytes.Length - first));
    }
}
