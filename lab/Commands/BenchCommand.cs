// SPDX-License-Identifier: MIT
// `./xensharp bench`: builds everything and hands over to the benchmark program in bench/.

using System.CommandLine;
using System.IO;
using XenSharp.Lab.Build;
using XenSharp.Lab.Common;
using XenSharp.Lab.Packages;

namespace XenSharp.Lab.Commands;

internal static class BenchCommand
{
    private const string Project = "bench/XenSharp.Bench.csproj";

    public static Command Create()
    {
        BenchOptions options = new();
        Command command = new("bench", "Compare the hypervisor with Debian's Xen 4.17 in the same emulator.");
        options.AddTo(command);
        command.SetAction(parsed =>
        {
            string project = Path.Combine(Repository.Root, Project);
            if (!File.Exists(project))
                throw new LabException($"There is no {Project} in this clone, hence nothing to measure with.");
            HostTools.Require([.. HostTool.ForBuild, .. HostTool.ForMachine]);
            ProjectBuild.Hypervisor();
            ProjectBuild.Guests();
            return HostProgram.RunOnTerminal("dotnet", ["run", "--project", project, "-c", "Release", "--", .. options.Forward(parsed)]);
        });
        return command;
    }
}
