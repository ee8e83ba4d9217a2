// SPDX-License-Identifier: MIT
// The x86 branch filter (BCJ) of xz, undone in place. Called by Xz after a block is unpacked.
// Written from the filter's behaviour in xz-embedded (0BSD).

using System;
using System.Buffers.Binary;
using System.Numerics;

namespace XenSharp.Core.Boot.Kernel;

/// <summary>
/// The packer turned the relative targets of CALL and JMP (e8, e9) into absolute ones, so that calls to one function look
/// alike. This turns them back. Whether an e8 is an instruction is guessed from the bytes around it, as the packer guessed.
/// </summary>
internal static class BranchFilterX86
{
    /// <param name="data">The whole block: the filter has no state across blocks.</param>
    /// <param name="startOffset">The address that the packer gave to the first byte (a filter property, usually absent).</param>
    public static void Undo(Span<byte> data, uint startOffset)
    {
        int end = data.Length - 4;
        int previous = -1;
        uint mask = 0;
        int i = 0;
        while (i < end)
        {
            if (end - i >= 8)
            {
                // Eight bytes at once: skip when none is e8 or e9 (exact test for a zero byte after the xor).
                ulong word = BinaryPrimitives.ReadUInt64LittleEndian(data.Slice(i)) | 0x0101010101010101;
                word ^= 0xe9e9e9e9e9e9e9e9;
                ulong zero = (word - 0x0101010101010101) & ~word & 0x8080808080808080;
                if (zero == 0)
                {
                    i += 8;
                    continue;
                }
                i += BitOperations.TrailingZeroCount(zero) >> 3;
            }
            else if ((data[i] & 0xfe) != 0xe8)
            {
                i++;
                continue;
            }

            int gap = i - previous;
            previous = i;
            if (gap > 3)
            {
                mask = 0;
            }
            else
            {
                mask = (mask << (gap - 1)) & 7;
                if (mask != 0 && (!MaskAllowed(mask) || IsHighByte(data[i + 4 - MaskBit(mask)])))
                {
                    mask = (mask << 1) | 1;
                    i++;
                    continue;
                }
            }
            if (!IsHighByte(data[i + 4]))
            {
                mask = (mask << 1) | 1;
                i++;
                continue;
            }
            Span<byte> operand = data.Slice(i + 1, 4);
            uint from = BinaryPrimitives.ReadUInt32LittleEndian(operand);
            uint address = startOffset + (uint)i + 5;
            uint target = from - address;
            if (mask != 0)
            {
                int shift = 24 - MaskBit(mask) * 8;
                if (IsHighByte((byte)(target >> shift)))
                {
                    target = (target ^ ((0x100u << shift) - 1)) - address;
                }
            }
            target &= 0x01ffffff;
            target |= 0u - (target & 0x01000000);
            BinaryPrimitives.WriteUInt32LittleEndian(operand, target);
            i += 5;
        }
    }

    private static bool IsHighByte(byte value) => value == 0 || value == 0xff;

    private static bool MaskAllowed(uint mask) => mask == 1 || mask == 2 || mask == 4;

    private static int MaskBit(uint mask) => mask >= 3 ? 3 : (int)mask;
}
