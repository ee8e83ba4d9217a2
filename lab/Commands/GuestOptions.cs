// SPDX-License-Identifier: MIT
// The options of the run command that bring Xen's tools and a guest into dom0, and what they mean together.

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Linq;
using System.CommandLine.Parsing;
using System.Text;
using XenSharp.Lab.Build;
using XenSharp.Lab.Common;
using XenSharp.Lab.Guests;
using XenSharp.Lab.Ramdisk;

namespace XenSharp.Lab.Commands;

internal sealed class GuestOptions
{
    public Option<bool> Sample { get; } = new("--sample") { Description = "create a sample guest: Debian's cloud kernel with a small disk and network (so does run without other options)" };

    public Option<bool> None { get; } = new("--no-guest") { Description = "dom0 alone; without tools, unless --with-tools or --tools is given" };

    public Option<string?> Guest { get; } = new("--guest") { Description = "create a guest from this configuration of xl; the files that it names are brought into dom0", HelpName = "CFG" };

    public Option<string?> Kernel { get; } = new("--guest-kernel") { Description = "create a PVH guest with this kernel, without a configuration", HelpName = "FILE" };

    public Option<string?> Ramdisk { get; } = new("--guest-ramdisk") { Description = "its ramdisk", HelpName = "FILE" };

    public Option<string?> Disk { get; } = new("--guest-disk") { Description = "its disk xvda, a raw image (or qcow2, if it is named *.qcow2), of which dom0 works on a copy", HelpName = "FILE" };

    public Option<string> Arguments { get; } = new("--guest-args") { Description = "further arguments for its kernel, behind console=hvc0", HelpName = "ARGS", DefaultValueFactory = _ => "" };

    public Option<int> Memory { get; } = Checks.Number("--guest-memory", "its memory in MiB", "MIB", 256, 16, 1 << 20);

    public Option<bool> Tools { get; } = new("--with-tools") { Description = "Xen's tools and our block backend in dom0 even without a guest, for --exec or by hand" };

    public Option<string?> Store { get; } = new("--xenstored") { Description = "whose xenstore daemon dom0 runs: xensharp or debian; as --tools, if not given", HelpName = "WHOSE" };

    public Option<string> Whose { get; } = new("--tools") { Description = "whose xl, xenconsoled and other tools dom0 calls by their names alone: xensharp or debian; both are there", HelpName = "WHOSE", DefaultValueFactory = _ => "xensharp" };

    public void AddTo(Command command)
    {
        Whose.AcceptOnlyFromAmong("debian", "xensharp");
        Store.AcceptOnlyFromAmong("debian", "xensharp");
        foreach (Option option in (Option[])[Sample, None, Guest, Kernel, Ramdisk, Disk, Arguments, Memory, Tools, Whose, Store])
            command.Add(option);
        command.Validators.Add(Validate);
    }

    /// <summary>Whether anything here asks for more than the bare dom0.</summary>
    public bool IsAsked(CommandResult result) =>
        result.GetValue(Sample) || result.GetValue(Guest) is not null || result.GetValue(Kernel) is not null || result.GetValue(Tools)
        || result.GetResult(Whose) is { Implicit: false } || result.GetValue(Store) is not null;

    /// <summary>Whether tools are asked for without a guest, too.</summary>
    public bool WantsTools(ParseResult parsed) => parsed.GetValue(Tools) || parsed.GetResult(Whose) is { Implicit: false } || parsed.GetValue(Store) is not null;

    /// <summary>Whether our xenstore daemon takes the place of Debian's where there are tools.</summary>
    public bool WantsOwnStore(ParseResult parsed) => (parsed.GetValue(Store) ?? parsed.GetValue(Whose)) == "xensharp";

    /// <summary>The guest's part of the ramdisk, null when none is wanted.</summary>
    /// <param name="isUsual">Whether the sample guest is wanted when nothing is said about guests.</param>
    /// <param name="memoryMiB">The guest's memory.</param>
    public GuestSegment? Obtain(ParseResult parsed, bool isUsual, out int memoryMiB)
    {
        memoryMiB = 0;
        if (parsed.GetValue(Guest) is { } configuration)
            return GuestConfiguration.Read(configuration, out memoryMiB);
        if (parsed.GetValue(Kernel) is { } kernel)
            return FromFiles(parsed, kernel, memoryMiB = parsed.GetValue(Memory));
        if (parsed.GetValue(None) || !(parsed.GetValue(Sample) || (isUsual && !parsed.GetValue(Tools))))
            return null;
        memoryMiB = 160;
        return GuestSegment.Sample(createAtStart: true);
    }

    private GuestSegment FromFiles(ParseResult parsed, string kernel, int memoryMiB)
    {
        List<(string Name, string Source)> files = [("kernel", ProjectBuild.Existing(kernel, "--guest-kernel"))];
        StringBuilder text = new();
        text.Append($"name = \"guest\"\ntype = \"pvh\"\nmemory = {memoryMiB}\nkernel = \"{GuestSegment.Folder}/kernel\"\n");
        if (parsed.GetValue(Ramdisk) is { } ramdisk)
        {
            files.Add(("ramdisk", ProjectBuild.Existing(ramdisk, "--guest-ramdisk")));
            text.Append($"ramdisk = \"{GuestSegment.Folder}/ramdisk\"\n");
        }
        bool usesBackend = parsed.GetValue(Disk)?.EndsWith(".qcow2", StringComparison.Ordinal) == true;
        string arguments = $"console=hvc0 {parsed.GetValue(Arguments)}".TrimEnd();
        if (parsed.GetValue(Disk) is { } disk)
        {
            string name = usesBackend ? "disk.qcow2" : "disk.img";
            string format = usesBackend ? $"format=qcow2,{BackendSegment.DiskSetting}" : "format=raw";
            files.Add((name, ProjectBuild.Existing(disk, "--guest-disk")));
            text.Append($"disk = [ \"{format},vdev=xvda,access=rw,target={GuestSegment.Folder}/{name}\" ]\n{(usesBackend ? BackendSegment.Settings : "")}");
            if (!arguments.Contains("root=", StringComparison.Ordinal))
                arguments += " root=/dev/xvda";
        }
        text.Append($"extra = \"{arguments.Replace("\"", "\\\"")}\"\nvif = [ \"bridge=xenbr0\" ]\n");
        return new GuestSegment("guest", text.ToString(), files, CreateAtStart: true) { UsesBackend = usesBackend };
    }

    private void Validate(CommandResult result)
    {
        bool Given(Option option) => result.GetResult(option) is { Implicit: false };
        if (((Option[])[Sample, Guest, Kernel, None]).Count(Given) > 1)
            result.AddError("--sample, --guest, --guest-kernel and --no-guest each say which guest to create; give one of them.");
        else if (!Given(Kernel) && ((Option[])[Ramdisk, Disk, Arguments, Memory]).FirstOrDefault(Given) is { } lone)
            result.AddError($"{lone.Name} is of use only together with --guest-kernel.");
    }
}
