// SPDX-License-Identifier: MIT
// dom0's kernel and ramdisk as a pair: Debian's own, or the user's. Called by the run, iso and bench commands and by boot tests.

using System.IO;
using System.Linq;
using XenSharp.Lab.Common;
using XenSharp.Lab.Packages;

namespace XenSharp.Lab.Ramdisk;

/// <summary>
/// Paths of dom0's kernel and of its ramdisk; no ramdisk when the user brings a kernel that needs none. The tools are an archive to be joined behind it.
/// </summary>
public sealed record Dom0Image(string Kernel, string? Ramdisk, string? Tools = null)
{
    private const string Metapackage = "linux-image-amd64";

    /// <summary>The kernel of Debian's linux-image-amd64 of the day, untouched, with our ramdisk for it.</summary>
    public static Dom0Image FromDebian(bool withDisks = false, bool withTools = false)
    {
        DebianKernel kernel = DebianKernel.Obtain(Metapackage);
        string? tools = withTools ? ToolsSegment.Obtain(kernel, withDisks) : null;
        return new Dom0Image(kernel.Path, Dom0Ramdisk.Obtain(kernel, withDisks), tools);
    }

    /// <summary>The ELF kernel inside this bzImage, unpacked once into the cache.</summary>
    public string UnpackedKernel()
    {
        FileInfo kernel = new(Kernel);
        string path = Path.Combine(Repository.Cache, $"vmlinux-{kernel.Name}-{kernel.Length}-{kernel.LastWriteTimeUtc.Ticks:x}");
        if (!File.Exists(path))
            CachedFile.Write(path, BzImage.Unpack(File.ReadAllBytes(Kernel), Kernel));
        return path;
    }
}
