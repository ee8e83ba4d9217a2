// SPDX-License-Identifier: MIT
// Giving the space of a file back to its file system, and its size, for block devices too.

using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace XenSharp.Interop;

public static class FileSpace
{
    private const int EndOfFile = 2;
    private const int KeepSize = 1, PunchHole = 2;

    /// <summary>Makes a range read as zeros and takes no space; false where the file system cannot.</summary>
    public static bool TryPunchHole(SafeFileHandle file, long offset, long length) =>
        LibC.fallocate(file, KeepSize | PunchHole, offset, length) == 0;

    /// <summary>The size of a file or of a block device, in bytes.</summary>
    public static long End(SafeFileHandle file)
    {
        long end = LibC.lseek(file, 0, EndOfFile);
        return end >= 0 ? end : throw new SystemFailure("finding the size of an image");
    }
}
