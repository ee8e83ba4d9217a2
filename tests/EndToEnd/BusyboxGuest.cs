// SPDX-License-Identifier: MIT
// A Linux guest that runs one shell script from its ramdisk and powers off. Used by tests whose guests do one thing.

using System.IO;
using System.Text;
using XenSharp.Lab.Packages;
using XenSharp.Lab.Ramdisk;

namespace XenSharp.Tests.EndToEnd;

/// <summary>Its files are /guest/NAME.vmlinuz and /guest/NAME.initrd in dom0; its configuration is /guest/NAME.cfg.</summary>
internal sealed class BusyboxGuest
{
    private readonly string _name;
    private readonly DebianKernel _kernel;

    /// <param name="package">The metapackage of its kernel.</param>
    /// <param name="modules">Loaded before the script.</param>
    /// <param name="script">What it does, once busybox's commands, /proc, /sys and /dev are there.</param>
    public BusyboxGuest(string name, string package, string[] modules, string script)
    {
        _name = name;
        _kernel = DebianKernel.Obtain(package);
        foreach (string folder in (string[])["dev", "proc", "sys", "mnt"])
            Ramdisk.AddFolder(folder);
        Ramdisk.AddCharacterDevice("dev/console", 5, 1);
        Ramdisk.AddFile("bin/busybox", File.ReadAllBytes(Path.Combine(AptArchive.Obtain("busybox-static").Folder, "bin/busybox")), isProgram: true);
        Ramdisk.AddFile("init", Encoding.UTF8.GetBytes($"""
            #!/bin/busybox sh
            /bin/busybox --install -s /bin
            mount -t proc proc /proc
            mount -t sysfs sysfs /sys
            mount -t devtmpfs devtmpfs /dev
            modprobe -a {string.Join(' ', modules)}
            {script}
            poweroff -f

            """), isProgram: true);
        ModuleSet.Add(Ramdisk, _kernel.Modules(), _kernel.Release, [], modules, []);
    }

    /// <summary>May be given more files.</summary>
    public CpioWriter Ramdisk { get; } = new();

    /// <summary>Puts the guest's files into a part of dom0's ramdisk. The guest's own ramdisk is finished by that.</summary>
    /// <param name="items">What its configuration has besides name, type, kernel, ramdisk and command line.</param>
    public void AddTo(CpioWriter archive, string items)
    {
        archive.AddFile($"guest/{_name}.cfg", $"""
            name = "{_name}"
            type = "pvh"
            kernel = "/guest/{_name}.vmlinuz"
            ramdisk = "/guest/{_name}.initrd"
            extra = "console=hvc0 quiet panic=1"
            {items}

            """);
        archive.AddFile($"guest/{_name}.vmlinuz", File.ReadAllBytes(_kernel.Path));
        archive.AddFile($"guest/{_name}.initrd", Ramdisk.Finish());
    }
}
