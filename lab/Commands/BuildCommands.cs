// SPDX-License-Identifier: MIT
// `./xensharp build` and `./xensharp iso`.

using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Linq;
using XenSharp.Lab.Build;
using XenSharp.Lab.Common;
using XenSharp.Lab.Machine;

namespace XenSharp.Lab.Commands;

internal static class BuildCommands
{
    public static Command CreateBuild()
    {
        Command command = new("build", "Build the hypervisor (out/xensharp-x86_64) and the test kernels.");
        command.SetAction(_ =>
        {
            string hypervisor = ProjectBuild.Hypervisor();
            ProjectBuild.Guests();
            Progress.Notice($"{Path.GetRelativePath(System.Environment.CurrentDirectory, hypervisor)} is up to date ({new FileInfo(hypervisor).Length:N0} bytes)");
            return 0;
        });
        return command;
    }

    public static Command CreateIso()
    {
        MachineOptions machine = new();
        Option<string> output = new("--output", "-o") { Description = "the image to write", HelpName = "FILE", DefaultValueFactory = _ => Path.Combine(Repository.Out, "xensharp.iso") };
        Command command = new("iso", "Make a GRUB CD image (out/xensharp.iso) that boots the hypervisor and dom0, by multiboot2 or multiboot.") { output };
        machine.AddTo(command);
        command.SetAction(parsed =>
        {
            string path = Path.GetFullPath(parsed.GetValue(output)!);
            string hypervisor = machine.HypervisorPath(parsed);
            IReadOnlyList<BootModule> modules = machine.Modules(parsed, withDisks: true, withTools: false, segments: [], folder: "");
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            GrubImage.Make(path, hypervisor, machine.HypervisorArguments(parsed), modules);
            Progress.Notice($"{path} is made ({new FileInfo(path).Length:N0} bytes); try it with `./xensharp run --iso`");
            return 0;
        });
        return command;
    }
}
