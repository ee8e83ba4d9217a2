// SPDX-License-Identifier: MIT
// A PCI function made of bytes: which bits of its configuration space can be written, and what capabilities it has.

using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace XenSharp.Tests.Unit.Pci;

internal sealed class FakeFunction
{
    private readonly byte[] _space = new byte[4096];
    private readonly byte[] _writable = new byte[4096];
    private int _lastLink = 0x34;

    public FakeFunction(ushort id, ushort deviceClass = 0x0200, byte headerType = 0)
    {
        Put16(0, 0x1234);
        Put16(2, id);
        Put16(0x0a, deviceClass);
        _space[0x0e] = headerType;
        Allow(4, 0xff, 0x07);
        Allow(0x3c, 0xff);
        Allow(0x100, 0xff, 0xff, 0xff, 0xff);
    }

    /// <summary>Writes in order: offset, size, value.</summary>
    public List<(int Register, int Size, uint Value)> Writes { get; } = [];

    public FakeFunction Bar(int index, ulong size, ulong address = 0, bool is64 = false, bool prefetchable = false)
    {
        int register = 0x10 + (4 * index);
        ulong mask = ~(size - 1);
        Put32(register, (uint)address | (is64 ? 4u : 0) | (prefetchable ? 8u : 0));
        Allow32(register, (uint)mask & ~0xfu);
        if (!is64)
            return this;
        Put32(register + 4, (uint)(address >> 32));
        Allow32(register + 4, (uint)(mask >> 32));
        return this;
    }

    public FakeFunction IoBar(int index)
    {
        Put32(0x10 + (4 * index), 0xc001);
        Allow32(0x10 + (4 * index), 0xffffffe0);
        return this;
    }

    public FakeFunction Rom(uint size, int register = 0x30)
    {
        Allow32(register, ~(size - 1) | 1);
        return this;
    }

    /// <summary>Returns the position of the capability.</summary>
    public int Msi(int position, int maxLog = 0, bool is64 = true, bool maskable = false, bool enabled = false)
    {
        Link(position, 5);
        Put16(position + 2, (ushort)((maxLog << 1) | (is64 ? 0x80 : 0) | (maskable ? 0x100 : 0) | (enabled ? 1 : 0)));
        Allow(position + 2, 0x71);
        for (int i = 4; i < 24; i++)
            Allow(position + i, 0xff);
        return position;
    }

    public int Msix(int position, int entries, int bar, uint table, uint pending)
    {
        Link(position, 0x11);
        Put16(position + 2, (ushort)(entries - 1));
        Allow(position + 3, 0xc0);
        Put32(position + 4, table | (uint)bar);
        Put32(position + 8, pending | (uint)bar);
        return position;
    }

    public uint Read(int register, int size)
    {
        uint value = 0;
        for (int i = 0; i < size; i++)
            value |= (uint)_space[register + i] << (8 * i);
        return value;
    }

    public void Write(int register, int size, uint value)
    {
        Writes.Add((register, size, value));
        for (int i = 0; i < size; i++)
        {
            byte mask = _writable[register + i];
            _space[register + i] = (byte)((_space[register + i] & ~mask) | ((byte)(value >> (8 * i)) & mask));
        }
    }

    public void Put16(int register, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(_space.AsSpan(register), value);

    public void Put32(int register, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(_space.AsSpan(register), value);

    private void Link(int position, byte id)
    {
        _space[6] |= 0x10;
        _space[_lastLink] = (byte)position;
        _space[position] = id;
        _lastLink = position + 1;
    }

    private void Allow(int register, params ReadOnlySpan<byte> masks) => masks.CopyTo(_writable.AsSpan(register));

    private void Allow32(int register, uint mask) => BinaryPrimitives.WriteUInt32LittleEndian(_writable.AsSpan(register), mask);
}
