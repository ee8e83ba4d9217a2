// SPDX-License-Identifier: MIT
// Makes dom0's ramdisk from Debian packages: busybox, the kernel's Xen modules, and our init files. Called by Dom0Image.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
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
    private static readonly string[] s_diskModules = ["virtio_pci", "virtio_blk", "ahci", "sd_mod", "nvme", "ext4"];

    private static readonly string[] s_folders = ["dev", "proc", "proc/xen", "sys", "run", "tmp", "mnt", "root", "etc", "var/log", "usr/bin", "usr/sbin", "sbin"];

    private static readonly (string Path, string Resource, bool IsProgram)[] s_files =
    [
        ("etc/inittab", "inittab", false), ("etc/profile", "profile", false), ("etc/rc", "rc", true), ("etc/exec", "exec", true),
    ];

    /// <summary>The path of the ramdisk; with <paramref name="withDisks"/> it also holds the drivers for the disks of --disk.</summary>
    public static string Obtain(UnpackedPackage kernel, string release, bool withDisks)
    {
        UnpackedPackage busybox = AptArchive.Obtain("busybox-static");
        string key = Key(kernel, busybox, withDisks);
        string path = Path.Combine(Repository.Cache, $"dom0-{key}.cpio");
        if (File.Exists(path))
            return path;
        Progress.Step($"making dom0's ramdisk from {kernel.Name} {kernel.Version} and busybox {busybox.Version}");
        CachedFile.Write(path, Build(kernel, release, busybox, withDisks));
        ForgetOld();
        return path;
    }

    /// <summary>Ramdisks of former kernels or of former code; a day is longer than any launcher holds on to one.</summary>
    private static void ForgetOld()
    {
        foreach (FileInfo file in new DirectoryInfo(Repository.Cache).GetFiles("dom0-*.cpio").Where(file => file.LastWriteTimeUtc < DateTime.UtcNow.AddDays(-1)))
            file.Delete();
    }

    private static byte[] Build(UnpackedPackage kernel, string release, UnpackedPackage busybox, bool withDisks)
    {
        CpioWriter archive = new();
        foreach (string folder in s_folders)
            archive.AddFolder(folder);
        archive.AddCharacterDevice("dev/console", 5, 1);
        archive.AddCharacterDevice("dev/null", 1, 3);
        archive.AddFile("bin/busybox", File.ReadAllBytes(BusyboxIn(busybox)), isProgram: true);
        archive.AddLink("bin/sh", "busybox");
        archive.AddLink("init", "bin/busybox");
        foreach ((string path, string resource, bool isProgram) in s_files)
            archive.AddFile(path, Resource(resource), isProgram);
        AddModules(archive, kernel, release, withDisks);
        return archive.Finish();
    }

    private static void AddModules(CpioWriter archive, UnpackedPackage kernel, string release, bool withDisks)
    {
        string folder = ModulesFolder(kernel, release);
        KernelModules all = new(folder);
        IReadOnlyList<KernelModule> modules = all.Closure(withDisks ? [.. s_modules, .. s_diskModules] : s_modules, s_optionalModules);
        StringBuilder dependencies = new();
        foreach (KernelModule module in modules)
        {
            archive.AddFile($"lib/modules/{release}/{module.Path}", module.Content);
            // modprobe wants all that a module needs, not only directly, and loads from the end.
            IEnumerable<string> needed = all.Closure([module.Name], []).SkipLast(1).Reverse().Select(other => other.Path);
            dependencies.Append($"{module.Path}: {string.Join(' ', needed)}".TrimEnd()).Append('\n');
        }
        archive.AddFile($"lib/modules/{release}/modules.dep", dependencies.ToString());
        archive.AddFile("etc/modules", string.Join('\n', (string[])[.. s_modules, .. withDisks ? s_diskModules : []]) + "\n");
    }

    private static string ModulesFolder(UnpackedPackage kernel, string release)
    {
        string[] candidates = [Path.Combine(kernel.Folder, "lib/modules", release), Path.Combine(kernel.Folder, "usr/lib/modules", release)];
        return candidates.FirstOrDefault(Directory.Exists)
            ?? throw new LabException($"The package {kernel.Name} {kernel.Version} has no folder lib/modules/{release}; use another kernel with --kernel and --ramdisk.");
    }

    private static string BusyboxIn(UnpackedPackage package)
    {
        string[] candidates = [Path.Combine(package.Folder, "bin/busybox"), Path.Combine(package.Folder, "usr/bin/busybox")];
        return candidates.FirstOrDefault(File.Exists) ?? throw new LabException($"The package {package.Name} {package.Version} has no program busybox.");
    }

    private static string Key(UnpackedPackage kernel, UnpackedPackage busybox, bool withDisks)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        string[] lists = [kernel.Name, kernel.Version, busybox.Version, withDisks.ToString(), .. s_modules, .. s_optionalModules, .. s_diskModules, .. s_folders];
        foreach (string text in lists)
            hash.AppendData(Encoding.UTF8.GetBytes(text + "\n"));
        // The module's identity stands for the code that lays the archive out.
        hash.AppendData(typeof(Dom0Ramdisk).Assembly.ManifestModule.ModuleVersionId.ToByteArray());
        foreach ((_, string resource, _) in s_files)
            hash.AppendData(Resource(resource));
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }

    private static byte[] Resource(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("dom0/" + name)
            ?? throw new LabException($"The lab was built without dom0's file {name}; remove out/lab and try again.");
        using MemoryStream content = new();
        stream.CopyTo(content);
        return content.ToArray();
    }
}
