// SPDX-License-Identifier: MIT
// Copying a match of a sliding-window format inside the output. Called by every decompressor of this folder.

using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace XenSharp.Core.Boot.Kernel;

internal static class MatchCopy
{
    /// <summary>
    /// Repeats <paramref name="length"/> bytes from <paramref name="distance"/> bytes back at <paramref name="position"/>.
    /// The caller has checked 1 &lt;= distance &lt;= position and length &lt;= output.Length - position. Up to seven bytes after
    /// the match may be overwritten with anything; they lie inside the output, in the part not yet written.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(Span<byte> output, int position, int distance, int length)
    {
        if (distance >= 8 && length <= 64 && output.Length - position >= length + 8)
        {
            // Room for whole words on both sides: the source starts at least eight bytes before the target.
            Span<byte> window = output.Slice(position - distance, distance + length + 8);
            int from = 0;
            int to = distance;
            do
            {
                BinaryPrimitives.WriteUInt64LittleEndian(window.Slice(to), BinaryPrimitives.ReadUInt64LittleEndian(window.Slice(from)));
                from += 8;
                to += 8;
                length -= 8;
            }
            while (length > 0);
            return;
        }
        CopySlow(output, position, distance, length);
    }

    private static void CopySlow(Span<byte> output, int position, int distance, int length)
    {
        if (distance >= length)
        {
            output.Slice(position - distance, length).CopyTo(output.Slice(position, length));
            return;
        }
        if (distance == 1)
        {
            output.Slice(position, length).Fill(output[position - 1]);
            return;
        }
        if (length >= 4 * distance)
        {
            // A short pattern repeated many times: lay it once, then double what is there.
            int done = 0;
            int step = distance;
            while (done < length)
            {
                int n = Math.Min(step, length - done);
                output.Slice(position - distance, n).CopyTo(output.Slice(position + done, n));
                done += n;
                step = distance + done - done % distance;
            }
            return;
        }
        Span<byte> target = output.Slice(position, length);
        ReadOnlySpan<byte> source = output.Slice(position - distance, length);
        for (int i = 0; i < target.Length; i++)
        {
            target[i] = source[i];
        }
    }
}
