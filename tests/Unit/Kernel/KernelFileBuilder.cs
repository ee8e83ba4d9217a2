// SPDX-License-Identifier: MIT
// Builds small ELF kernels and bzImages, right ones that a test then spoils.

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;

namespace XenSharp.Tests.Unit.Kernel;

internal sealed class ElfBuilder
{
    private readonly List<(uint Type, ulong Address, ulong MemorySize, byte[] Data)> _segments = [];
    private readonly bool _is64Bit;

    public ElfBuilder(bool is64Bit = true) => _is64Bit = is64Bit;

    public int HeaderOffset => _is64Bit ? 64 : 52;

    public int HeaderLength => _is64Bit ? 56 : 32;

    public ElfBuilder Load(ulong address, int length, ulong memorySize)
    {
        byte[] data = new byte[length];
        Array.Fill(data, (byte)(address >> 12));
        _segments.Add((1, address, memorySize, data));
        return this;
    }

    public ElfBuilder Notes(params byte[][] notes)
    {
        List<byte> all = [];
        foreach (byte[] note in notes)
        {
            all.AddRange(note);
        }
        _segments.Add((4, 0, 0, all.ToArray()));
        return this;
    }

    public static byte[] Note(string name, uint type, byte[] descriptor)
    {
        byte[] text = Encoding.ASCII.GetBytes(name + "\0");
        List<byte> note = [.. BitConverter.GetBytes(text.Length), .. BitConverter.GetBytes(descriptor.Length), .. BitConverter.GetBytes(type), .. text];
        while (note.Count % 4 != 0)
        {
            note.Add(0);
        }
        note.AddRange(descriptor);
        while (note.Count % 4 != 0)
        {
            note.Add(0);
        }
        return note.ToArray();
    }

    public byte[] Build()
    {
        int dataStart = HeaderOffset + _segments.Count * HeaderLength;
        int length = dataStart;
        foreach (var segment in _segments)
        {
            length += segment.Data.Length;
        }
        byte[] file = new byte[length];
        byte[] identity = [0x7f, (byte)'E', (byte)'L', (byte)'F', (byte)(_is64Bit ? 2 : 1), 1, 1];
        identity.CopyTo(file, 0);
        Put16(file, 16, 2);
        Put16(file, 18, (ushort)(_is64Bit ? 62 : 3));
        Put16(file, _is64Bit ? 54 : 42, (ushort)HeaderLength);
        Put16(file, _is64Bit ? 56 : 44, (ushort)_segments.Count);
        PutAddress(file, 24, 0x100000);
        PutAddress(file, _is64Bit ? 32 : 28, (ulong)HeaderOffset);
        int at = dataStart;
        for (int i = 0; i < _segments.Count; i++)
        {
            var (type, address, memorySize, data) = _segments[i];
            int header = HeaderOffset + i * HeaderLength;
            BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(header), type);
            if (_is64Bit)
            {
                PutAddress(file, header + 8, (ulong)at);
                PutAddress(file, header + 16, address);
                PutAddress(file, header + 24, address);
                PutAddress(file, header + 32, (ulong)data.Length);
                PutAddress(file, header + 40, memorySize);
                PutAddress(file, header + 48, 4);
            }
            else
            {
                PutAddress(file, header + 4, (ulong)at);
                PutAddress(file, header + 8, address);
                PutAddress(file, header + 12, address);
                PutAddress(file, header + 16, (ulong)data.Length);
                PutAddress(file, header + 20, memorySize);
                PutAddress(file, header + 28, 4);
            }
            data.CopyTo(file, at);
            at += data.Length;
        }
        return file;
    }

    private void PutAddress(byte[] file, int at, ulong value)
    {
        if (_is64Bit)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(at), value);
        }
        else
        {
            BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(at), (uint)value);
        }
    }

    private static void Put16(byte[] file, int at, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at), value);

    /// <summary>A PVH kernel as it should be: two segments out of order, notes of three vendors, entry at 1 MiB + 0x10.</summary>
    public static byte[] Pvh(bool is64Bit = true) => new ElfBuilder(is64Bit)
        .Load(0x200000, 0x80, 0x3000)
        .Load(0x100000, 0x200, 0x1000)
        .Notes(
            Note("GNU", 3, new byte[20]),
            Note("Xen", 6, Encoding.ASCII.GetBytes("linux\0")),
            Note("Xen", 18, is64Bit ? BitConverter.GetBytes(0x100010UL) : BitConverter.GetBytes(0x100010U)),
            Note("Linux", 18, new byte[4]),
            Note("Xen", 17, BitConverter.GetBytes(0x8801U)))
        .Build();
}

internal static class BzImageBuilder
{
    public const int PayloadStart = 0x800;

    /// <summary>Two setup sectors, then the payload at the protected-mode code's offset 0x200; the size is appended if asked for.</summary>
    public static byte[] Build(byte[] payload, uint? appendedSize, ushort version = 0x020f)
    {
        byte[] stored = appendedSize is uint size ? [.. payload, .. BitConverter.GetBytes(size)] : payload;
        byte[] file = new byte[PayloadStart + stored.Length + 100];
        file[0] = (byte)'M';
        file[1] = (byte)'Z';
        file[0x1f1] = 2;
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(0x1fe), 0xaa55);
        "HdrS"u8.CopyTo(file.AsSpan(0x202));
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(0x206), version);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(0x248), 0x200);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(0x24c), (uint)stored.Length);
        stored.CopyTo(file, PayloadStart);
        return file;
    }
}
