// SPDX-License-Identifier: MIT
// The guest that shows what XenSharp is for: Debian's cloud kernel, untouched, with a small root disk out of Debian packages. Made for GuestSegment.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using XenSharp.Lab.Common;
using XenSharp.Lab.Packages;
using XenSharp.Lab.Ramdisk;

namespace XenSharp.Lab.Guests;

/// <summary>Paths of the guest's three files, made once and cached.</summary>
public sealed record SampleGuest(string Kernel, string Ramdisk, string Disk)
{
    public const string Name = "sample";
    public const string Address = "10.77.0.2";

    private const string Metapackage = "linux-image-cloud-amd64";
    private const int DiskMiB = 16;

    private static readonly string[] s_modules = ["xen-blkfront", "xen-netfront", "ext4", "crc32c_generic"];

    private static readonly (string Path, string Resource, bool IsProgram)[] s_files =
    [
        ("etc/inittab", "guest-inittab", false), ("etc/profile", "guest-profile", false), ("etc/rc", "guest-rc", true), ("bin/load", "guest-load", true),
    ];

    /// <summary>The configuration in xl's form, with the files in <paramref name="folder"/> of dom0.</summary>
    public static string Configuration(string folder) => $"""
        # The sample guest. Change it and try: xl destroy {Name}; xl create {folder}/{Name}.cfg
        name = "{Name}"
        type = "pvh"
        kernel = "{folder}/vmlinuz"
        ramdisk = "{folder}/initrd"
        extra = "console=hvc0 quiet root=/dev/xvda name={Name} address={Address}"
        memory = 160
        vcpus = 1
        disk = [ "format=raw,vdev=xvda,access=rw,target={folder}/disk.img" ]
        vif = [ "bridge=xenbr0,mac=00:16:3e:00:00:02" ]

        """;

    public static SampleGuest Obtain(string metapackage = Metapackage)
    {
        HostTools.Require(HostTool.MakeExt4);
        DebianKernel kernel = DebianKernel.Obtain(metapackage);
        UnpackedPackage busybox = AptArchive.Obtain("busybox-static");
        string[] inputs = [kernel.Package.Name, kernel.Package.Version, busybox.Version];
        string ramdisk = RamdiskCache.Obtain("guest", "cpio", inputs, $"making the sample guest's ramdisk from {kernel.Package.Name} {kernel.Package.Version}", () => Initial(kernel, busybox));
        string disk = RamdiskCache.Obtain("guest", "img", [busybox.Version], "making the sample guest's disk", () => Image(busybox));
        return new SampleGuest(kernel.Path, ramdisk, disk);
    }

    private static byte[] Initial(DebianKernel kernel, UnpackedPackage busybox)
    {
        CpioWriter archive = new();
        foreach (string folder in (string[])["dev", "proc", "sys", "run", "root", "disk"])
            archive.AddFolder(folder);
        archive.AddCharacterDevice("dev/console", 5, 1);
        archive.AddFile("bin/busybox", Dom0Ramdisk.Busybox(busybox), isProgram: true);
        archive.AddLink("bin/sh", "busybox");
        archive.AddLink("sbin/init", "/bin/busybox");
        archive.AddFile("init", RamdiskCache.Resource("guest-init"), isProgram: true);
        foreach ((string path, string resource, bool isProgram) in s_files)
            archive.AddFile(path, RamdiskCache.Resource(resource), isProgram);
        KernelModules modules = kernel.Modules();
        archive.AddFile("etc/modules", string.Join('\n', s_modules.Where(name => modules.Closure([name], []).Count > 0)) + "\n");
        ModuleSet.Add(archive, modules, kernel.Release, [], s_modules, []);
        return archive.Finish();
    }

    /// <summary>An ext4 file system in a file, made without root.</summary>
    private static byte[] Image(UnpackedPackage busybox)
    {
        using TemporaryFolder folder = new();
        string root = Directory.CreateDirectory(folder.File("root")).FullName;
        foreach (string name in (string[])["bin", "sbin", "usr/bin", "usr/sbin", "etc", "dev", "proc", "sys", "run", "tmp", "root", "mnt", "srv", "var"])
            Directory.CreateDirectory(Path.Combine(root, name));
        byte[] program = Dom0Ramdisk.Busybox(busybox);
        WriteFile(root, "bin/busybox", program, isProgram: true);
        foreach (string applet in Applets(folder, program))
        {
            string path = Path.Combine(root, applet is "init" or "poweroff" or "reboot" or "halt" ? "sbin" : "bin", applet);
            if (applet != "busybox")
                File.CreateSymbolicLink(path, "/bin/busybox");
        }
        foreach ((string path, string resource, bool isProgram) in s_files)
            WriteFile(root, path, RamdiskCache.Resource(resource), isProgram);
        WriteFile(root, "etc/passwd", "root::0:0:root:/root:/bin/sh\n"u8, isProgram: false);
        WriteFile(root, "etc/group", "root:x:0:\n"u8, isProgram: false);
        WriteFile(root, "srv/index.html", "hello from the sample guest\n"u8, isProgram: false);
        string image = folder.File("disk");
        ProgramResult made = HostProgram.Capture("mke2fs", ["-q", "-t", "ext4", "-E", "root_owner=0:0,lazy_itable_init=0", "-d", root, image, $"{DiskMiB}M"]);
        return made.Succeeded ? File.ReadAllBytes(image) : throw new LabException($"mke2fs could not make the sample guest's disk: {made.Errors.Trim()}. Look whether {Path.GetTempPath()} has room, then try again.");
    }

    private static IEnumerable<string> Applets(TemporaryFolder folder, byte[] busybox)
    {
        string program = folder.File("busybox");
        File.WriteAllBytes(program, busybox);
        ProgramMode.Set(program);
        ProgramResult list = HostProgram.Capture(program, ["--list"]);
        return list.Succeeded ? list.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries) : throw new LabException($"Debian's busybox does not run on this host: {list.Errors.Trim()}.");
    }

    private static void WriteFile(string root, string path, ReadOnlySpan<byte> content, bool isProgram)
    {
        string full = Path.Combine(root, path);
        using (FileStream file = File.Create(full))
            file.Write(content);
        if (isProgram)
            ProgramMode.Set(full);
    }
}
