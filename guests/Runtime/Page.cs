// SPDX-License-Identifier: MIT
// Scratch pages: memory whose address is known, for arguments of hypercalls and for pages given to the hypervisor.

using System;

namespace XenSharp.Guests;

/// <summary>One of <see cref="Count"/> pages of 4 KiB; virtual address = guest-physical address.</summary>
public readonly unsafe struct Page
{
    public const int Count = 64;
    private readonly ulong _address;

    public Page(int index)
    {
        if ((uint)index >= Count)
            Machine.Fail("no such scratch page"u8);
        _address = Native.Scratch() + ((ulong)index << 12);
    }

    public ulong Address => _address;

    public ulong Frame => _address >> 12;

    // SAFETY: the scratch area is Count pages long and never freed by this kernel while spans to it are in use.
    public Span<byte> Bytes => new((void*)_address, 4096);

    public Page Clear() => Fill(0);

    public Page Fill(byte value)
    {
        Bytes.Fill(value);
        return this;
    }

    public Page Put8(int offset, byte value)
    {
        Bytes[offset] = value;
        return this;
    }

    public Page Put16(int offset, ushort value)
    {
        Put8(offset, (byte)value);
        return Put8(offset + 1, (byte)(value >> 8));
    }

    public Page Put32(int offset, uint value)
    {
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(Bytes.Slice(offset), value);
        return this;
    }

    public Page Put64(int offset, ulong value)
    {
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(Bytes.Slice(offset), value);
        return this;
    }

    public byte Get8(int offset) => System.Threading.Volatile.Read(ref Bytes[offset]);

    public ushort Get16(int offset) => System.Buffers.Binary.BinaryPrimitives.ReadUInt16LittleEndian(Bytes.Slice(offset));

    // SAFETY: offset is checked by the span; reads are volatile because the hypervisor or another vCPU may write.
    public uint Get32(int offset) => System.Threading.Volatile.Read(ref *(uint*)(_address + Checked(offset, 4)));

    public ulong Get64(int offset) => System.Threading.Volatile.Read(ref *(ulong*)(_address + Checked(offset, 8)));

    public ref uint Word(int offset) => ref *(uint*)(_address + Checked(offset, 4));

    public ref ulong Long(int offset) => ref *(ulong*)(_address + Checked(offset, 8));

    private static ulong Checked(int offset, int size)
    {
        if ((uint)offset > 4096u - (uint)size)
            Machine.Fail("offset outside a scratch page"u8);
        return (ulong)offset;
    }
}
