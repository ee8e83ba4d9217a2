// SPDX-License-Identifier: MIT
// The options that describe a machine, shared by the run and iso commands, and what they mean together.

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using XenSharp.Lab.Build;
using XenSharp.Lab.Common;
using XenSharp.Lab.Machine;
using XenSharp.Lab.Packages;
using XenSharp.Lab.Ramdisk;

namespace XenSharp.Lab.Commands;

internal sealed class MachineOptions
{
    private const int SmallestDom0MiB = 128;

    public Option<int> Dom0Memory { get; } = Checks.Number("--dom0-memory", "dom0's memory in MiB", "MIB", 512, SmallestDom0MiB, 1 << 20);

    public Option<string> XenArguments { get; } = new("--xen-args") { Description = "further arguments for the hypervisor", HelpName = "ARGS", DefaultValueFactory = _ => "" };

    public Option<string?> Kernel { get; } = new("--kernel") { Description = "dom0's kernel, bzImage or ELF, instead of Debian's", HelpName = "FILE" };

    public Option<string?> Ramdisk { get; } = new("--ramdisk") { Description = "dom0's ramdisk instead of our own ('none' for no ramdisk)", HelpName = "FILE" };

    public Option<string> Dom0Arguments { get; } = new("--dom0-args") { Description = "further arguments for dom0's kernel", HelpName = "ARGS", DefaultValueFactory = _ => "" };

    public Option<string?> Hypervisor { get; } = new("--hypervisor")
    {
        Description = "a hypervisor to boot instead of building ours (real Xen, for one); also by XENSHARP_HYPERVISOR",
        HelpName = "FILE",
    };

    public Option<bool> Oracle { get; } = new("--oracle") { Description = "boot Debian's Xen 4.17 instead of ours, downloaded if need be" };

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[Dom0Memory, XenArguments, Kernel, Ramdisk, Dom0Arguments, Hypervisor, Oracle])
            command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetResult(Oracle) is { Implicit: false } && result.GetResult(Hypervisor) is { Implicit: false })
                result.AddError("--oracle and --hypervisor each name the hypervisor to boot; give one of them.");
        });
    }

    /// <summary>Names a file that is not there before anything is built.</summary>
    public void CheckFiles(ParseResult parsed)
    {
        foreach (Option<string?> option in (Option<string?>[])[Hypervisor, Kernel, Ramdisk])
        {
            if (parsed.GetValue(option) is { } path && path != "none")
                ProjectBuild.Existing(path, option.Name);
        }
    }

    /// <summary>The hypervisor's path, built if it is ours.</summary>
    public string HypervisorPath(ParseResult parsed) =>
        parsed.GetValue(Oracle) ? DebianXen.Obtain().Hypervisor : parsed.GetValue(Hypervisor) is { } path ? ProjectBuild.Existing(path, "--hypervisor") : ProjectBuild.Hypervisor();

    /// <param name="dom0MiB">dom0's memory when it is not what --dom0-memory says.</param>
    public string HypervisorArguments(ParseResult parsed, int? dom0MiB = null) =>
        $"console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all dom0=pvh dom0_mem={dom0MiB ?? parsed.GetValue(Dom0Memory)}M {(parsed.GetValue(Oracle) ? DebianXen.Arguments + " " : "")}{parsed.GetValue(XenArguments)}".TrimEnd();

    /// <summary>dom0's kernel and ramdisk as boot modules; <paramref name="segments"/> are joined behind the ramdisk, in a file in <paramref name="folder"/>.</summary>
    public IReadOnlyList<BootModule> Modules(ParseResult parsed, bool withDisks, bool withTools, IReadOnlyList<byte[]> segments, string folder)
    {
        string? kernel = parsed.GetValue(Kernel) is { } named ? ProjectBuild.Existing(named, "--kernel") : null;
        string? ramdisk = parsed.GetValue(Ramdisk);
        bool noRamdisk = ramdisk == "none";
        if (ramdisk is not null && !noRamdisk)
            ramdisk = ProjectBuild.Existing(ramdisk, "--ramdisk");
        string? tools = null;
        if (kernel is null || ramdisk is null || withTools)
        {
            HostTools.Require(HostTool.Xz);
            Dom0Image debian = Dom0Image.FromDebian(withDisks, withTools);
            kernel ??= debian.Kernel;
            ramdisk ??= debian.Ramdisk;
            tools = debian.Tools;
        }
        List<BootModule> modules = [new(kernel, $"console=hvc0 {parsed.GetValue(Dom0Arguments)}".TrimEnd())];
        if (noRamdisk)
            return modules;
        if (tools is not null || segments.Count > 0)
            ramdisk = Join([ramdisk!, .. tools is null ? (string[])[] : [tools]], segments, Path.Combine(folder, "ramdisk"));
        modules.Add(new BootModule(ramdisk!));
        return modules;
    }

    /// <summary>Linux unpacks one archive after the other; each begins at a multiple of four bytes.</summary>
    private static string Join(IReadOnlyList<string> files, IReadOnlyList<byte[]> segments, string path)
    {
        using FileStream joined = File.Create(path);
        foreach (string file in files)
        {
            using FileStream part = File.OpenRead(file);
            part.CopyTo(joined);
            joined.Write(new byte[(int)(-joined.Position & 3)]);
        }
        foreach (byte[] segment in segments)
            joined.Write(segment);
        return path;
    }
}
