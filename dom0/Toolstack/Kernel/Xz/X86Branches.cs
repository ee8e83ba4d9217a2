// SPDX-License-Identifier: MIT
// Undoes the x86 filter of .xz files: addresses behind E8 and E9 (calls and jumps) that were made absolute become relative again. Used by XzFile.
// The .xz File Format, 5.3.2; the rule for look-alikes is that of the LZMA SDK's x86 converter (public domain).

using System;
using System.Buffers.Binary;

namespace XenSharp.Toolstack.Kernel.Xz;

internal static class X86Branches
{
    /// <summary>Whether an address may be one, by which of the three bytes before it looked like the start of a branch.</summary>
    private static ReadOnlySpan<byte> Allowed => [1, 1, 1, 0, 1, 0, 0, 0];

    private static ReadOnlySpan<byte> Places => [0, 1, 2, 2, 3, 3, 3, 3];

    /// <param name="code">A whole block: addresses count from its start.</param>
    public static void Decode(Span<byte> code)
    {
        int last = -5, seen = 0;
        for (int place = 0; place + 4 < code.Length; place++)
        {
            int next = code[place..^4].IndexOfAny((byte)0xE8, (byte)0xE9);
            if (next < 0)
                return;
            place += next;
            int distance = place - last;
            if (distance > 3)
            {
                seen = 0;
            }
            else
            {
                seen = (seen << (distance - 1)) & 7;
                if (seen != 0)
                {
                    byte value = code[place + 4 - Places[seen]];
                    if (Allowed[seen] == 0 || value is 0 or 0xFF)
                    {
                        last = place;
                        seen = (seen << 1) | 1;
                        continue;
                    }
                }
            }
            last = place;
            if (code[place + 4] is not (0 or 0xFF))
            {
                seen = (seen << 1) | 1;
                continue;
            }
            uint address = BinaryPrimitives.ReadUInt32LittleEndian(code[(place + 1)..]), result;
            while (true)
            {
                result = address - (uint)(place + 5);
                if (seen == 0)
                    break;
                int shift = Places[seen] * 8;
                byte value = (byte)(result >> (24 - shift));
                if (value is not (0 or 0xFF))
                    break;
                address = result ^ ((1u << (32 - shift)) - 1);
            }
            result &= 0x01FF_FFFF;
            result |= 0 - (result & 0x0100_0000);
            BinaryPrimitives.WriteUInt32LittleEndian(code[(place + 1)..], result);
            place += 4;
            last = place;
            seen = 0;
        }
    }
}
