// SPDX-License-Identifier: MIT
// The host programs that each command needs and the Debian packages they come from; installs what is missing, with sudo if need be.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using XenSharp.Lab.Common;

namespace XenSharp.Lab.Packages;

/// <summary>A Debian package that the host must have, why, and how to see that it is there: a program in PATH or a file.</summary>
public sealed record HostTool(string Package, string Evidence, string Reason)
{
    public bool IsPresent => Evidence.StartsWith('/') ? File.Exists(Evidence) : HostProgram.Find(Evidence) is not null;

    public static readonly HostTool Qemu = new("qemu-system-x86", "qemu-system-x86_64", "emulates the machine");
    public static readonly HostTool Binutils = new("binutils", "ld", "assembles and links the hypervisor");
    public static readonly HostTool Gcc = new("gcc", "gcc", "links programs for dom0");
    public static readonly HostTool LibC = new("libc6-dev", "/usr/lib/x86_64-linux-gnu/crt1.o", "is what programs for dom0 are linked with");
    public static readonly HostTool MakeExt4 = new("e2fsprogs", "mke2fs", "makes the sample guest's disk");
    public static readonly HostTool Xz = new("xz-utils", "xz", "unpacks Debian's kernel and modules");
    public static readonly HostTool GrubMakeRescue = new("grub-common", "grub-mkrescue", "makes the GRUB image");
    public static readonly HostTool GrubPc = new("grub-pc-bin", "/usr/lib/grub/i386-pc/multiboot2.mod", "is the boot loader in the GRUB image");
    public static readonly HostTool Xorriso = new("xorriso", "xorriso", "writes the GRUB image");
    public static readonly HostTool Mtools = new("mtools", "mformat", "writes the GRUB image's EFI part");

    public static readonly IReadOnlyList<HostTool> ForBuild = [Binutils];
    public static readonly IReadOnlyList<HostTool> ForPrograms = [Binutils, Gcc, LibC];
    public static readonly IReadOnlyList<HostTool> ForMachine = [Qemu, Xz];
    public static readonly IReadOnlyList<HostTool> ForImage = [GrubMakeRescue, GrubPc, Xorriso, Mtools];
}

public static class HostTools
{
    /// <summary>Installs those of <paramref name="tools"/> that the host has not; says which and why. Throws a sentence when it cannot.</summary>
    public static void Require(params IEnumerable<HostTool> tools)
    {
        List<HostTool> missing = tools.Where(tool => !tool.IsPresent).DistinctBy(tool => tool.Package).ToList();
        if (missing.Count == 0)
            return;
        string[] packages = missing.Select(tool => tool.Package).ToArray();
        Progress.Notice($"Debian packages are missing and will be installed: {string.Join(", ", missing.Select(tool => $"{tool.Package} ({tool.Reason})"))}.");
        Install(packages);
        foreach (HostTool tool in missing)
        {
            if (!tool.IsPresent)
                throw new LabException($"The package {tool.Package} is installed, but {tool.Evidence} is still not there; look at `dpkg -L {tool.Package}`.");
        }
    }

    /// <summary>Runs apt-get update, which needs root; used when the package lists are absent or too old.</summary>
    public static void RefreshLists(string why)
    {
        Progress.Notice($"{why}; running apt-get update.");
        RunAsRoot($"run `apt-get update` as root and try again", "apt-get", "-qq", "update");
    }

    private static void Install(string[] packages)
    {
        if (HostProgram.Find("apt-get") is null)
            throw new LabException($"This system has no apt-get; install what these Debian packages hold by hand: {string.Join(' ', packages)}.");
        if (packages.Any(package => !AptArchive.IsKnown(package)))
            RefreshLists("The package lists do not know all of them");
        string advice = $"run `apt-get install {string.Join(' ', packages)}` as root and try again";
        string[] install = ["apt-get", "-qq", "-y", "--no-install-recommends", "install", .. packages];
        if (TryAsRoot(advice, install) != 0)
        {
            RefreshLists("apt-get could not install them with the lists it has");
            RunAsRoot(advice, install);
        }
    }

    private static void RunAsRoot(string advice, params string[] command)
    {
        int status = TryAsRoot(advice, command);
        if (status != 0)
            throw new LabException($"`{string.Join(' ', command)}` failed with status {status}; {advice}.");
    }

    /// <summary>apt's own chatter goes to stderr, so that stdout stays what --exec prints.</summary>
    private static int TryAsRoot(string advice, params string[] command)
    {
        string[] shell = ["sh", "-c", "exec \"$@\" >&2 < /dev/null", "sh", "env", "DEBIAN_FRONTEND=noninteractive", .. command];
        if (Environment.IsPrivilegedProcess)
            return HostProgram.RunOnTerminal(shell[0], shell[1..]);
        if (HostProgram.Find("sudo") is null)
            throw new LabException($"Packages must be installed, which needs root, and neither is this root nor is there a sudo; {advice}.");
        return HostProgram.RunOnTerminal("sudo", shell);
    }
}
