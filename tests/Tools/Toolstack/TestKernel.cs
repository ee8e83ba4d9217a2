// SPDX-License-Identifier: MIT
// Small kernels for tests: ELF files with Xen's notes, and bzImages around them.

using System;
using System.Buffers.Binary;
using System.Text;

namespace XenSharp.Tests.Tools.Toolstack;

internal static class TestKernel
{
    public const uint Address = 0x100_0000, Entry = Address + 0x40;

    private const int HeaderSize = 64, ProgramHeaderSize = 56;

    /// <summary>An ELF file with one segment and one segment of notes.</summary>
    /// <param name="bytes">How large the segment is in the file; it is twice as large in memory.</param>
    public static byte[] Elf(int bytes = 8192, bool hasEntry = true, bool takesModulesAnywhere = true)
    {
        byte[] notes =
        [
            .. Note("Xen", 6, Encoding.ASCII.GetBytes("linux\0")), .. Note("GNU", 3, [1, 2, 3, 4]), .. Note("Xen", 16, [takesModulesAnywhere ? (byte)1 : (byte)0, 0, 0, 0, 0, 0, 0, 0]),
            .. Note("Xen", 17, BitConverter.GetBytes(1ul << 15)), .. hasEntry ? Note("Xen", 18, BitConverter.GetBytes((ulong)Entry)) : [],
        ];
        int notesPlace = HeaderSize + (2 * ProgramHeaderSize), segment = notesPlace + notes.Length;
        byte[] file = new byte[segment + bytes];
        "\x7f"u8.CopyTo(file);
        "ELF"u8.CopyTo(file.AsSpan(1));
        file[4] = 2;
        file[5] = 1;
        Put(file, 18, 62, 2);
        Put(file, 32, HeaderSize, 8);
        Put(file, 54, ProgramHeaderSize, 2);
        Put(file, 56, 2, 2);
        Header(file, HeaderSize, 1, segment, Address, bytes, 2 * bytes);
        Header(file, HeaderSize + ProgramHeaderSize, 4, notesPlace, 0, notes.Length, notes.Length);
        notes.CopyTo(file, notesPlace);
        // Something that packs, but not to nothing, with calls in it, which xz's filter for x86 changes.
        for (int index = 0; index < bytes; index++)
            file[segment + index] = index % 16 == 0 ? (byte)0xE8 : (byte)((index * index) >> 7);
        return file;
    }

    /// <summary>A Linux bzImage with a payload.</summary>
    public static byte[] BzImage(byte[] payload, int unpackedSize, bool appendsSize = true)
    {
        const int sectors = 2, offset = 0x300;
        int start = ((sectors + 1) * 512) + offset, length = payload.Length + (appendsSize ? 4 : 0);
        byte[] file = new byte[start + length + 100];
        file[0x1F1] = sectors;
        "HdrS"u8.CopyTo(file.AsSpan(0x202));
        Put(file, 0x206, 0x20F, 2);
        Put(file, 0x248, offset, 4);
        Put(file, 0x24C, length, 4);
        payload.CopyTo(file, start);
        if (appendsSize)
            Put(file, start + payload.Length, unpackedSize, 4);
        return file;
    }

    private static byte[] Note(string name, int type, byte[] value)
    {
        byte[] note = new byte[12 + 4 + ((value.Length + 3) & ~3)];
        Put(note, 0, name.Length + 1, 4);
        Put(note, 4, value.Length, 4);
        Put(note, 8, type, 4);
        Encoding.ASCII.GetBytes(name, note.AsSpan(12));
        value.CopyTo(note, 16);
        return note;
    }

    private static void Header(byte[] file, int place, int type, int offset, uint address, int fileSize, int memorySize)
    {
        Put(file, place, type, 4);
        Put(file, place + 8, offset, 8);
        Put(file, place + 24, (int)address, 8);
        Put(file, place + 32, fileSize, 8);
        Put(file, place + 40, memorySize, 8);
    }

    private static void Put(byte[] file, int place, int value, int size)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, (uint)value);
        bytes.AsSpan(0, size).CopyTo(file.AsSpan(place));
    }
}
