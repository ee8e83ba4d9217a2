// SPDX-License-Identifier: MIT
// Unpacks .xz files by the decoder that the hypervisor has for dom0's kernel, which is as fast as liblzma. Used by Unpacking.

using System;
using System.IO;
using System.Text;
using XenSharp.Core.Boot.Kernel;

namespace XenSharp.Toolstack.Kernel;

internal static class XzFile
{
    // Kernels shrink to a fifth; a wrong guess costs another round.
    private const int UsualRatio = 6;

    /// <param name="size">The unpacked size where the caller knows it, else 0.</param>
    /// <param name="most">More is refused.</param>
    /// <exception cref="InvalidDataException">It is damaged, has a filter that kernels do not use, or has more bytes than it may.</exception>
    public static byte[] Unpack(ReadOnlySpan<byte> packed, int size, int most)
    {
        DecompressScratch scratch = new(
            new byte[DecompressScratch.ByteCount], new ushort[DecompressScratch.ShortCount], new uint[DecompressScratch.WordCount]);
        long room = size > 0 ? size : (long)packed.Length * UsualRatio;
        while (true)
        {
            byte[] output = new byte[Math.Min(room, most)];
            DecompressStatus status = Xz.Decompress(packed, output, scratch, out int written);
            if (status == DecompressStatus.Ok)
                return written == output.Length ? output : output[..written];
            bool mayGrow = status == DecompressStatus.OutputTooSmall && size == 0;
            if (mayGrow && output.Length == most)
                throw new InvalidDataException($"more than {most} bytes");
            if (!mayGrow)
                throw new InvalidDataException($"it {Encoding.ASCII.GetString(DecompressStatusText.Text(status))}");
            room *= 4;
        }
    }
}
