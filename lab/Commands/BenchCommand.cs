// SPDX-License-Identifier: MIT
// `./xensharp bench`: builds everything and hands over to the benchmark program in bench/.

using System;
using System.CommandLine;
using System.Globalization;
using System.IO;
using System.Linq;
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
        command.Add(Xenstore());
        command.Add(Tools());
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

    /// <summary>Our tools beside Debian's in one dom0.</summary>
    private static Command Tools()
    {
        Option<int> runs = Checks.Number("--runs", "runs behind each figure; the median counts", "N", 3, 1, 99);
        Option<int> domains = Checks.Number("--domains", "how many domains xl list lists", "N", 100, 1, 500);
        Option<bool> oracle = new("--oracle") { Description = "on Debian's Xen 4.17 instead of our hypervisor" };
        Option<bool> json = new("--json") { Description = "print JSON, one line a row" };
        Command command = new("tools", "Compare xl and the other tools with Debian's, in one dom0.") { runs, domains, oracle, json };
        command.SetAction(parsed =>
        {
            HostTools.Require([.. HostTool.ForBuild, .. HostTool.ForMachine]);
            ProjectBuild.Hypervisor();
            ProjectBuild.Guests();
            ProjectBuild.Tools();
            return HostProgram.RunOnTerminal("dotnet",
            [
                "run", "--project", Path.Combine(Repository.Root, Project), "-c", "Release", "--", "tools", "--runs", parsed.GetValue(runs).ToString(CultureInfo.InvariantCulture),
                "--domains", parsed.GetValue(domains).ToString(CultureInfo.InvariantCulture), .. parsed.GetValue(oracle) ? ["--oracle"] : Array.Empty<string>(),
                .. parsed.GetValue(json) ? ["--json"] : Array.Empty<string>(),
            ]);
        });
        return command;
    }

    /// <summary>Our xenstore daemon beside Debian's two, as plain processes.</summary>
    private static Command Xenstore()
    {
        Option<double> seconds = new("--seconds") { Description = "how long each load runs", DefaultValueFactory = _ => 1 };
        Option<int> runs = Checks.Number("--runs", "runs behind each figure; the median counts", "N", 3, 1, 99);
        Option<int[]> nodes = new("--nodes") { Description = "sizes of the store, rising", DefaultValueFactory = _ => [1_000, 100_000, 1_000_000], AllowMultipleArgumentsPerToken = true };
        Option<bool> json = new("--json") { Description = "print JSON, one line a figure" };
        Command command = new("xenstore", "Compare the xenstore daemon with Debian's two and with an echo server.") { seconds, runs, nodes, json };
        command.SetAction(parsed =>
        {
            HostTools.Require([.. HostTool.ForBuild]);
            int status = HostProgram.RunOnTerminal("dotnet",
                ["publish", "dom0/Xenstored/Xenstored.csproj", "-c", "Release", "-o", "out/xenstored", "-v", "q", "--nologo", "-m:1", "--use-current-runtime"], Repository.Root);
            if (status == 0)
                status = HostProgram.RunOnTerminal("dotnet", ["build", Project, "-c", "Release", "-v", "q", "--nologo", "-m:1"], Repository.Root);
            if (status != 0)
                return status;
            string[] sizes = [.. parsed.GetValue(nodes)!.SelectMany(size => (string[])["--nodes", size.ToString(CultureInfo.InvariantCulture)])];
            return HostProgram.RunOnTerminal("bash",
            [
                Path.Combine(Repository.Root, "eng/xenstore-oracles.sh"), "dotnet", Path.Combine(Repository.Root, "bench/bin/Release/net10.0/XenSharp.Bench.dll"), "xenstore",
                "--seconds", parsed.GetValue(seconds).ToString(CultureInfo.InvariantCulture), "--runs", parsed.GetValue(runs).ToString(CultureInfo.InvariantCulture),
                .. sizes, .. parsed.GetValue(json) ? ["--json"] : Array.Empty<string>(),
            ]);
        });
        return command;
    }
}
