// SPDX-License-Identifier: MIT
// Debian's systemd as process 1 of dom0, and what a user installs on it. Used by ServiceTests.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using XenSharp.Lab.Build;
using XenSharp.Lab.Common;
using XenSharp.Lab.Packages;
using XenSharp.Lab.Ramdisk;

namespace XenSharp.Tests.EndToEnd;

/// <summary>
/// Archives to be joined behind dom0's ramdisk. Units and scripts find Debian's programs only; busybox, which the other tests' dom0 is made of, is for
/// the test's own steps.
/// </summary>
internal static class SystemdRoot
{
    private const string Units = "lib/systemd/system", Settings = "usr/lib/tmpfiles.d", Rules = "lib/udev/rules.d";

    private static readonly string[] s_packages =
        ["systemd", "udev", "libsystemd-shared", "kmod", "util-linux", "mount", "coreutils", "dash", "grep", "sed", "mawk", "procps", "iproute2"];

    private static readonly string[] s_programs =
    [
        "lib/systemd/systemd", "lib/systemd/systemd-journald", "lib/systemd/systemd-modules-load", "lib/systemd/systemd-shutdown",
        "lib/systemd/system-generators/systemd-sysv-generator", "bin/systemctl", "bin/journalctl", "bin/systemd-tmpfiles", "usr/bin/systemd-analyze",
        "bin/udevadm", "bin/kmod", "bin/mount", "bin/umount", "usr/bin/setsid", "usr/bin/flock", "sbin/losetup", "bin/dash", "bin/grep", "bin/sed", "usr/bin/mawk",
        "bin/kill", "bin/ip",
        .. Array.ConvertAll(["cat", "chmod", "cp", "date", "dd", "echo", "false", "ln", "ls", "mkdir", "mktemp", "mv", "readlink", "rm", "rmdir", "sleep", "stty", "sync",
            "touch", "true", "uname"], name => $"bin/{name}"),
        .. Array.ConvertAll(["basename", "cut", "dirname", "env", "expr", "head", "id", "printf", "realpath", "sort", "stat", "tail", "test", "timeout", "tr", "tty",
            "uniq", "wc"], name => $"usr/bin/{name}"),
    ];

    private static readonly (string Path, string Target)[] s_links =
    [
        ("bin/sh", "dash"), ("usr/bin/awk", "mawk"), ("lib/systemd/systemd-udevd", "/bin/udevadm"),
        .. Array.ConvertAll(["modprobe", "depmod"], name => ($"sbin/{name}", "/bin/kmod")),
        ("etc/systemd/system/default.target", $"/{Units}/multi-user.target"),
        // What update-rc.d has made on a machine that had Debian's package first.
        ("etc/rc2.d/S01xen", "../init.d/xen"), ("etc/rc2.d/S02xendomains", "../init.d/xendomains"),
    ];

    /// <summary>What packages want at start, as far as this dom0 has its programs.</summary>
    private static readonly string[] s_wanted =
    [
        "systemd-journald.service", "systemd-journald.socket", "systemd-journald-dev-log.socket", "systemd-modules-load.service", "systemd-tmpfiles-setup.service",
        "systemd-tmpfiles-setup-dev.service", "kmod-static-nodes.service",
        "systemd-udevd.service", "systemd-udevd-control.socket", "systemd-udevd-kernel.socket", "systemd-udev-trigger.service",
    ];

    private static readonly string[] s_rules = ["50-udev-default.rules", "80-drivers.rules"];

    /// <summary>Their users and groups are not here.</summary>
    private static readonly string[] s_unused = ["provision.conf", "systemd-network.conf"];

    private const string Groups = "root tty disk kmem dialout lp cdrom tape audio video input render kvm sgx utmp adm systemd-journal users";

    public static byte[] Archive()
    {
        CpioWriter archive = new();
        PackageFiles files = new(s_packages);
        foreach (string program in s_programs)
            files.AddProgram(program);
        foreach ((string path, string source, bool isProgram) in files.Files)
            archive.AddFile(path, File.ReadAllBytes(source), isProgram);
        foreach (UnpackedPackage package in files.Packages.Where(package => package.Name is "systemd" or "udev"))
        {
            AddTree(archive, Path.Combine(package.Folder, Units), Units, IsWanted);
            AddTree(archive, Path.Combine(package.Folder, Settings), Settings, path => !s_unused.Contains(Path.GetFileName(path)));
            AddTree(archive, Path.Combine(package.Folder, Rules), Rules, path => s_rules.Contains(Path.GetFileName(path)));
        }
        DebianKernel kernel = DebianKernel.Obtain("linux-image-amd64");
        foreach (string list in (string[])["modules.builtin", "modules.builtin.modinfo", "modules.order"])
            archive.AddFile($"lib/modules/{kernel.Release}/{list}", File.ReadAllBytes(Path.Combine(kernel.Package.Folder, "lib/modules", kernel.Release, list)));
        archive.AddFile("etc/passwd", "root::0:0:root:/root:/bin/sh\n");
        archive.AddFile("etc/group", string.Concat(Groups.Split(' ').Select((name, number) => $"{name}:x:{number}:\n")));
        archive.AddFile("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        archive.AddFile("etc/enter", ReadOwn("enter"), isProgram: true);
        archive.AddFile("etc/end", ReadOwn("end"), isProgram: true);
        string exec = File.ReadAllText(Path.Combine(Repository.Root, "lab/Ramdisk/Files/exec"));
        archive.AddFile("etc/exec", exec.Replace("poweroff -f", "/etc/end", StringComparison.Ordinal));
        foreach (string unit in (string[])["network.service", "witness.service", "session.service"])
            archive.AddFile($"etc/systemd/system/{unit}", ReadOwn(unit));
        foreach ((string path, string target) in s_links)
            archive.AddLink(path, target);
        archive.AddLink("init", "/etc/enter");
        return archive.Finish();
    }

    private static bool IsWanted(string path)
    {
        string folder = Path.GetFileName(Path.GetDirectoryName(path)!);
        return !folder.EndsWith(".wants", StringComparison.Ordinal) || s_wanted.Contains(Path.GetFileName(path));
    }

    /// <summary>Our programs and services as a user has them before he installs them, in /root.</summary>
    public static byte[] Programs()
    {
        CpioWriter archive = new();
        AddTree(archive, Path.Combine(Repository.Root, "dom0/Services"), "root/services", _ => true);
        foreach (string program in (string[])[ProjectBuild.Tools(), ProjectBuild.Xenstored()])
            archive.AddFile($"root/{Path.GetFileName(program)}", File.ReadAllBytes(program), isProgram: true);
        return archive.Finish();
    }

    /// <summary>Files and links of a folder, as they are.</summary>
    private static void AddTree(CpioWriter archive, string folder, string place, Func<string, bool> isWanted)
    {
        if (!Directory.Exists(folder))
            return;
        archive.AddFolder(place);
        foreach (FileSystemInfo entry in new DirectoryInfo(folder).GetFileSystemInfos().OrderBy(entry => entry.Name, StringComparer.Ordinal))
        {
            string path = $"{place}/{entry.Name}";
            if (entry.LinkTarget is null && entry is DirectoryInfo)
                AddTree(archive, entry.FullName, path, isWanted);
            else if (isWanted(path) && entry.LinkTarget is { } target)
                archive.AddLink(path, target);
            else if (isWanted(path))
                archive.AddFile(path, File.ReadAllBytes(entry.FullName), !OperatingSystem.IsWindows() && (File.GetUnixFileMode(entry.FullName) & UnixFileMode.UserExecute) != 0);
        }
    }

    private static byte[] ReadOwn(string name) => File.ReadAllBytes(Path.Combine(Repository.Root, "tests/EndToEnd/Systemd", name));
}
