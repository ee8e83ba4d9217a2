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

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[Dom0Memory, XenArguments, Kernel, Ramdisk, Dom0Arguments, Hypervisor])
            command.Add(option);
    }

    /// <summary>The hypervisor's path, built if it is ours.</summary>
    public string HypervisorPath(ParseResult parsed) =>
        parsed.GetValue(Hypervisor) is { } path ? ProjectBuild.Existing(path, "--hypervisor") : ProjectBuild.Hypervisor();

    public string HypervisorArguments(ParseResult parsed) =>
        $"console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all dom0=pvh dom0_mem={parsed.GetValue(Dom0Memory)}M {parsed.GetValue(XenArguments)}".TrimEnd();

    /// <summary>dom0's kernel and ramdisk as boot modules; <paramref name="session"/> is joined behind the ramdisk, in a file in <paramref name="folder"/>.</summary>
    public IReadOnlyList<BootModule> Modules(ParseResult parsed, bool withDisks, byte[]? session, string folder)
    {
        string? kernel = parsed.GetValue(Kernel) is { } named ? ProjectBuild.Existing(named, "--kernel") : null;
        string? ramdisk = parsed.GetValue(Ramdisk);
        bool noRamdisk = ramdisk == "none";
        if (ramdisk is not null && !noRamdisk)
            ramdisk = ProjectBuild.Existing(ramdisk, "--ramdisk");
        if (kernel is null || ramdisk is null)
        {
            HostTools.Require(HostTool.Xz);
            Dom0Image debian = Dom0Image.FromDebian(withDisks);
            kernel ??= debian.Kernel;
            ramdisk ??= debian.Ramdisk;
        }
        List<BootModule> modules = [new(kernel, $"console=hvc0 {parsed.GetValue(Dom0Arguments)}".TrimEnd())];
        if (noRamdisk)
            return modules;
        if (session is not null)
        {
            string joined = Path.Combine(folder, "ramdisk");
            using FileStream file = File.Create(joined);
            using (FileStream start = File.OpenRead(ramdisk!))
                start.CopyTo(file);
            file.Write(new byte[(int)(-file.Position & 3)]);
            file.Write(session);
            ramdisk = joined;
        }
        modules.Add(new BootModule(ramdisk!));
        return modules;
    }
}
