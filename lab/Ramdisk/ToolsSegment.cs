// SPDX-License-Identifier: MIT
// Makes the part of dom0's ramdisk that drives guests: Debian's unmodified xl, its daemons and scripts, and the backends' modules. Called by Dom0Image.

using System;
using System.IO;
using System.Linq;
using XenSharp.Lab.Packages;

namespace XenSharp.Lab.Ramdisk;

/// <summary>A cpio archive to be joined behind <see cref="Dom0Ramdisk"/>'s; its <c>/etc/xen-start</c> is run by that one's start script.</summary>
public static class ToolsSegment
{
    /// <summary>Where Debian keeps the programs of one version of Xen.</summary>
    internal const string Private = "usr/lib/xen-4.17/bin";

    /// <summary>Named in every program, by its path in /lib64.</summary>
    private const string Loader = "ld-linux-x86-64.so.2";

    private static readonly string[] s_packages = ["xen-utils-4.17", "xen-utils-common", "xenstore-utils", "bash", "util-linux", "mount"];

    /// <summary>Debian keeps these in a folder of the version and reaches them through a wrapper in shell.</summary>
    private static readonly string[] s_versionedTools =
    [
        "xl", "xenconsole", "xenstored", "xenconsoled", "xen-init-dom0", "libxl-save-helper", "xenctx", "lsevtchn", "xentop", "xentrace", "xentrace_setsize", "xenpm", "xenperf",
        "xen-cpuid", "xen-diag", "xen-hptool", "xen-hvmctx", "xen-hvmcrash", "xen-livepatch", "xen-lowmemd", "xen-mfndump", "xen-ucode", "xenlockprof", "xenwatchdogd",
        "xenstore-control", "test-xenstore", "test-resource", "test-cpu-policy", "test-paging-mempool",
    ];

    private static readonly string[][] s_otherPrograms =
    [
        ["usr/sbin/xenhypfs"], ["usr/bin/xenstore"], ["usr/bin/xen-detect"], ["bin/bash", "usr/bin/bash"], ["usr/bin/flock"], ["sbin/losetup", "usr/sbin/losetup"],
    ];

    private static readonly string[] s_storeCommands = ["chmod", "exists", "list", "ls", "read", "rm", "watch", "write"];

    /// <summary>Opened by name while running, or by the kernel: pthread_cancel needs the first one. Our own programs need libm.</summary>
    private static readonly string[] s_openedLibraries = ["libgcc_s.so.1", "libm.so.6", Loader];

    private static readonly string[] s_backends = ["xen-blkback", "xen-netback", "loop", "bridge"];
    private static readonly string[] s_drivers = ["tun", "ext4", "crc32c_generic", "virtio_pci", "virtio_blk", "virtio_net", "ahci", "sd_mod", "nvme", "e1000e", "9pnet_xen", "9p", "xen-pciback"];

    private static readonly string[] s_folders = ["var/lib/xen/dump", "var/lib/xenstored", "var/log/xen/console", "etc/xen/auto", "etc/default"];

    /// <summary>The path of the archive for dom0's kernel.</summary>
    public static string Obtain(DebianKernel kernel, bool withDisks) => RamdiskCache.Obtain(
        "tools", "cpio", [kernel.Package.Name, kernel.Package.Version, withDisks.ToString(), AptArchive.ListsStamp], "collecting Debian's Xen tools and their libraries",
        () => Build(kernel, withDisks));

    private static byte[] Build(DebianKernel kernel, bool withDisks)
    {
        PackageFiles files = new(s_packages);
        foreach (string tool in s_versionedTools)
            files.AddProgram($"{Private}/{tool}");
        foreach (string[] paths in s_otherPrograms)
            files.AddProgram(paths);
        foreach (string library in s_openedLibraries)
            files.AddLibrary(library);
        files.AddFolder("etc/xen/scripts");

        CpioWriter archive = new();
        foreach (string folder in s_folders)
            archive.AddFolder(folder);
        foreach ((string path, string source, bool isProgram) in files.Files)
            archive.AddFile(path, File.ReadAllBytes(source), isProgram);
        foreach (string tool in s_versionedTools)
            archive.AddLink($"usr/sbin/{tool}", $"/{Private}/{tool}");
        foreach (string command in s_storeCommands)
            archive.AddLink($"usr/bin/xenstore-{command}", "xenstore");
        if (files.Files.All(file => file.Path != "bin/bash"))
            archive.AddLink("bin/bash", "/usr/bin/bash");
        archive.AddLink($"lib64/{Loader}", files.Files.Select(file => "/" + file.Path).First(path => path.EndsWith("/" + Loader, StringComparison.Ordinal)));
        archive.AddLink("var/run", "/run");
        archive.AddLink("var/lock", "/run/lock");
        archive.AddFile("etc/xen/xl.conf", RamdiskCache.Resource("xl.conf"));
        archive.AddFile("etc/xen-start", RamdiskCache.Resource("xen-start"), isProgram: true);
        // Without it busybox, which is linked statically, looks for name services by libraries that it cannot use.
        archive.AddFile("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\nservices: files\n");
        archive.AddFile("etc/hosts", "127.0.0.1 localhost\n10.77.0.1 dom0\n10.77.0.2 sample\n");
        archive.AddFile("etc/udhcpd.conf", RamdiskCache.Resource("udhcpd.conf"));
        archive.AddFile("etc/modules.backends", string.Join('\n', s_backends) + "\n");
        ModuleSet.Add(archive, kernel.Modules(), kernel.Release, Dom0Ramdisk.LoadedModules(withDisks), [.. s_backends, .. s_drivers], []);
        return archive.Finish();
    }
}
