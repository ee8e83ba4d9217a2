// SPDX-License-Identifier: MIT
// A kernel of Debian's archive with its modules: dom0's and the sample guest's. Called by Dom0Image and SampleGuest.

using System.IO;
using System.Linq;
using XenSharp.Lab.Common;
using XenSharp.Lab.Packages;

namespace XenSharp.Lab.Ramdisk;

/// <param name="Package">The package, unpacked in the cache.</param>
/// <param name="Release">What <c>uname -r</c> says.</param>
/// <param name="Path">The bzImage, untouched.</param>
public sealed record DebianKernel(UnpackedPackage Package, string Release, string Path)
{
    private const string Prefix = "linux-image-";

    /// <summary>The kernel of the day behind a metapackage such as linux-image-amd64.</summary>
    public static DebianKernel Obtain(string metapackage)
    {
        UnpackedPackage package = AptArchive.Obtain(AptArchive.ResolveDependency(metapackage, Prefix));
        string? kernel = Directory.GetFiles(System.IO.Path.Combine(package.Folder, "boot"), "vmlinuz-*").FirstOrDefault();
        if (kernel is null)
            throw new LabException($"The package {package.Name} {package.Version} has no boot/vmlinuz-*; use another kernel with --kernel.");
        return new DebianKernel(package, package.Name[Prefix.Length..], kernel);
    }

    public KernelModules Modules()
    {
        string[] candidates = [System.IO.Path.Combine(Package.Folder, "lib/modules", Release), System.IO.Path.Combine(Package.Folder, "usr/lib/modules", Release)];
        return new KernelModules(candidates.FirstOrDefault(Directory.Exists)
            ?? throw new LabException($"The package {Package.Name} {Package.Version} has no folder lib/modules/{Release}; use another kernel with --kernel and --ramdisk."));
    }
}
