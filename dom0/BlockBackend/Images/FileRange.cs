// SPDX-License-Identifier: MIT
// Reading a whole range of a file. Used by the image formats.

using System;
using System.IO;
using Microsoft.Win32.SafeHandles;

namespace XenSharp.BlockBackend.Images;

internal static class FileRange
{
    /// <summary>Fills the destination; what lies behind the end of the file reads as zeros.</summary>
    public static void Read(SafeFileHandle file, long offset, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            int read = RandomAccess.Read(file, destination, offset);
            if (read == 0)
            {
                destination.Clear();
                return;
            }

            offset += read;
            destination = destination[read..];
        }
    }
}
