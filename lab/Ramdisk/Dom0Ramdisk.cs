// SPDX-License-Identifier: MIT
// Makes dom0's ramdisk from Debian packages: busybox, the kernel's Xen modules, and our init files. Called by Dom0Image.

using System.Collections.Generic;
using System.IO;
using System.Linq;
using XenSharp.Lab.Common;
using XenSharp.Lab.Packages;

namespace XenSharp.Lab.Ramdisk;

/// <summary>
/// The ramdisk as an uncompressed cpio archive: unpacking gzip in an emulated dom0 costs more than loading the two megabytes that it would save.
/// Cached by content: the packages' versions and our files name the cache entry.
/// </summary>
public static class Dom0Ramdisk
{
    private static readonly string[] s_modules = ["xen-privcmd", "xenfs", "xen-evtchn", "xen-gntdev", "xen-gntalloc"];
    /// <summary>Carried along but not loaded at start: in a PVH dom0 it only says "No such device".</summary>
    private static readonly string[] s_optionalModules = ["xen-acpi-processor"];
    private static readonly string[] s_diskModules = ["virtio_pci", "virtio_blk", "ahci", "sd_mod", "nvme", "ext4", "crc32c_generic"];

    private static readonly string[] s_folders = ["dev", "proc", "proc/xen", "sys", "run", "tmp", "mnt", "root", "etc", "var/log", "usr/bin", "usr/sbin", "sbin"];

    private static readonly (string Path, string Resource, bool IsProgram)[] s_files =
    [
        ("etc/inittab", "inittab", false), ("etc/profile", "profile", false), ("etc/rc", "rc", true), ("etc/exec", "exec", true),
    ];

    /// <summary>What is loaded at dom0's start.</summary>
    internal static IReadOnlyList<string> LoadedModules(bool withDisks) => [.. s_modules, .. withDisks ? s_diskModules : []];

    /// <summary>The path of the ramdisk; with <paramref name="withDisks"/> it also holds the drivers for the disks of --disk.</summary>
    public static string Obtain(DebianKernel kernel, bool withDisks)
    {
        UnpackedPackage busybox = AptArchive.Obtain("busybox-static");
        return RamdiskCache.Obtain(
            "dom0", "cpio", [kernel.Package.Name, kernel.Package.Version, busybox.Version, withDisks.ToString()],
            $"making dom0's ramdisk from {kernel.Package.Name} {kernel.Package.Version} and busybox {busybox.Version}", () => Build(kernel, busybox, withDisks));
    }

    internal static byte[] Busybox(UnpackedPackage package)
    {
        string[] candidates = [Path.Combine(package.Folder, "bin/busybox"), Path.Combine(package.Folder, "usr/bin/busybox")];
        return File.ReadAllBytes(candidates.FirstOrDefault(File.Exists) ?? throw new LabException($"The package {package.Name} {package.Version} has no program busybox."));
    }

    private static byte[] Build(DebianKernel kernel, UnpackedPackage busybox, bool withDisks)
    {
        CpioWriter archive = new();
        foreach (string folder in s_folders)
            archive.AddFolder(folder);
        archive.AddCharacterDevice("dev/console", 5, 1);
        archive.AddCharacterDevice("dev/null", 1, 3);
        archive.AddFile("bin/busybox", Busybox(busybox), isProgram: true);
        archive.AddLink("bin/sh", "busybox");
        archive.AddLink("init", "bin/busybox");
        foreach ((string path, string resource, bool isProgram) in s_files)
            archive.AddFile(path, RamdiskCache.Resource(resource), isProgram);
        ModuleSet.Add(archive, kernel.Modules(), kernel.Release, [], LoadedModules(withDisks), s_optionalModules);
        archive.AddFile("etc/modules", string.Join('\n', LoadedModules(withDisks)) + "\n");
        return archive.Finish();
    }
}
