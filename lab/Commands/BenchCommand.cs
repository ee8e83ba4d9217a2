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
    private const string Project = "bench/XenSharp.Bench/XenSharp.Bench.csproj";

    public static Command Create()
    {
        Argument<string[]> names = new("name") { Description = "which benchmarks to run (default: all that the program has)", Arity = ArgumentArity.ZeroOrMore };
        Command command = new("bench", "Compare the hypervisor with Debian's Xen 4.17 in the same emulator.") { names };
        command.SetAction(parsed =>
        {
            string project = Path.Combine(Repository.Root, Project);
            if (!File.Exists(project))
                throw new LabException($"There is no {Project} in this clone, hence nothing to measure with.");
            HostTools.Require(HostTool.ForMachine);
            ProjectBuild.Hypervisor();
            ProjectBuild.Guests();
            return HostProgram.RunOnTerminal("dotnet", ["run", "--project", project, "-c", "Release", "--", .. parsed.GetValue(names) ?? []]);
        });
        return command;
    }
}
