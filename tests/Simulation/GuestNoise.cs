// SPDX-License-Identifier: MIT
// What a hostile guest puts into registers and memory: values that mean something somewhere, and garbage.

using System;
using System.Buffers.Binary;
using XenSharp.Edge;
using XenSharp.Testing;

namespace XenSharp.Tests.Simulation;

/// <summary>One guest's source of arguments; all from one seed.</summary>
internal sealed class GuestNoise(TestDomain guest, Random random)
{
    /// <summary>Pages in which structures are placed; the guest may give them away meanwhile.</summary>
    private const ulong FirstScratchPage = 1, ScratchPages = 4;

    private static readonly ulong[] Interesting =
    [
        0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 63, 64, 127, 128, 255, 256, 511, 512, 1023, 1024, 4095, 4096, 4097, 65535, 65536, 0x1ffff, 0x20000, 0x7ff0,
        0x7ff1, 0x7ff2, 0x7ff4, 0x7fff, 0x8000, 0xffff, 0xffff_f, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1_0000_0000, 0x000f_ffff_ffff_ffff,
        0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000, 0xffff_8000_0000_0000, ulong.MaxValue, ulong.MaxValue - 4095,
    ];

    public int Next(int limit) => random.Next(limit);

    public ulong Word() => random.Next(9) switch
    {
        0 or 1 => Interesting[random.Next(Interesting.Length)],
        2 or 3 => (ulong)random.Next(24),
        4 => Address(),
        5 => (ulong)random.Next(80),
        6 => (ulong)random.Next(300),
        7 => (ulong)random.NextInt64(),
        _ => (ulong)random.Next(2),
    };

    /// <summary>The address of a structure, mostly a good one.</summary>
    public ulong Address()
    {
        ulong page = (FirstScratchPage + (ulong)random.Next((int)ScratchPages)) << FrameSize.Shift;
        return random.Next(12) switch
        {
            0 => page + (ulong)random.Next(4096),
            1 => page + 4096 - (ulong)random.Next(64),
            2 => 0xfff0_0000,
            3 => page,
            _ => page + ((ulong)random.Next(512) * 8),
        };
    }

    /// <summary>Writes words of several sizes over a part of the scratch pages.</summary>
    public void Scribble()
    {
        for (ulong gfn = FirstScratchPage; gfn < FirstScratchPage + ScratchPages; gfn++)
        {
            P2mEntry entry = guest.P2m.Lookup(new Gfn(gfn));
            if (entry.Type != P2mType.Ram)
                continue;
            Span<byte> page = guest.Machine.Memory.Bytes(entry.Frame);
            int end = random.Next(4) == 0 ? 4096 : 512;
            for (int offset = random.Next(4) == 0 ? random.Next(end) & ~7 : 0; offset < end;)
                offset += Put(page.Slice(offset));
        }
    }

    private int Put(Span<byte> place)
    {
        ulong value = Word();
        switch (random.Next(6))
        {
            case 0 when place.Length >= 4:
                BinaryPrimitives.WriteUInt16LittleEndian(place, (ushort)value);
                BinaryPrimitives.WriteUInt16LittleEndian(place.Slice(2), (ushort)Word());
                return 4;
            case 1 or 2 when place.Length >= 4:
                BinaryPrimitives.WriteUInt32LittleEndian(place, (uint)value);
                return 4;
            case 3:
                return Math.Min(8, place.Length);
            default:
                if (place.Length < 8)
                    return place.Length;
                BinaryPrimitives.WriteUInt64LittleEndian(place, value);
                return 8;
        }
    }
}
