// SPDX-License-Identifier: MIT
// dom0's kernel and ramdisk as a pair: Debian's own, or the user's. Called by the run, iso and bench commands and by boot tests.

using System.IO;
using System.Linq;
using XenSharp.Lab.Common;
using XenSharp.Lab.Packages;

namespace XenSharp.Lab.Ramdisk;

/// <summary>Paths of dom0's kernel and of its ramdisk; no ramdisk when the user brings a kernel that needs none.</summary>
public sealed record Dom0Image(string Kernel, string? Ramdisk)
{
    private const string Metapackage = "linux-image-amd64";

    /// <summary>The kernel of Debian's linux-image-amd64 of the day, untouched, with our ramdisk for it.</summary>
    public static Dom0Image FromDebian(bool withDisks = false)
    {
        UnpackedPackage package = AptArchive.Obtain(AptArchive.ResolveDependency(Metapackage, "linux-image-"));
        string release = package.Name["linux-image-".Length..];
        string? kernel = Directory.GetFiles(Path.Combine(package.Folder, "boot"), "vmlinuz-*").FirstOrDefault();
        if (kernel is null)
            throw new LabException($"The package {package.Name} {package.Version} has no boot/vmlinuz-*; use another kernel with --kernel.");
        return new Dom0Image(kernel, Dom0Ramdisk.Obtain(package, release, withDisks));
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
