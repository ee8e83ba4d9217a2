// SPDX-License-Identifier: MIT
// The kernel that the guests run: an ELF file, our own first module.

using System;
using System.Buffers.Binary;

namespace XenSharp.Guests.Building;

/// <summary>One loaded segment is enough for kernels of this repository; its note names the PVH entry.</summary>
public static class GuestImage
{
    private const uint Load = 1, Note = 4, EntryNote = 18;

    private static ulong s_address;

    /// <summary>Guest-physical address and size of the kernel with its zeroed part.</summary>
    public static ulong Start { get; private set; }

    public static ulong Size { get; private set; }

    public static ulong FileSize { get; private set; }

    public static uint Entry { get; private set; }

    public static bool Find()
    {
        if (StartInfo.ModuleCount == 0)
            return false;
        s_address = BinaryPrimitives.ReadUInt64LittleEndian(Machine.Physical(StartInfo.ModuleList, 8));
        if (Read32(0) != 0x464c457f)
            return false;
        ulong headers = Read64(32), offset = 0;
        int count = (int)(Read32(56) & 0xffff);
        for (int i = 0; i < count; i++)
        {
            ulong header = headers + ((ulong)i * 56);
            if (Read32(header) == Load && Size == 0)
            {
                offset = Read64(header + 8);
                Start = Read64(header + 24);
                FileSize = Read64(header + 32);
                Size = (Read64(header + 40) + 4095) & ~4095UL;
            }
            else if (Read32(header) == Note && Read32(Read64(header + 8) + 8) == EntryNote)
            {
                Entry = Read32(Read64(header + 8) + 16);
            }
        }

        s_address += offset;
        return Size != 0 && Entry != 0;
    }

    /// <summary>A page of the kernel's file part; the last one may be short.</summary>
    public static ReadOnlySpan<byte> PageOf(ulong index) =>
        Machine.Physical(s_address + (index << 12), (int)Math.Min(4096, FileSize - (index << 12)));

    private static uint Read32(ulong offset) => BinaryPrimitives.ReadUInt32LittleEndian(Machine.Physical(s_address + offset, 4));

    private static ulong Read64(ulong offset) => BinaryPrimitives.ReadUInt64LittleEndian(Machine.Physical(s_address + offset, 8));
}
