// SPDX-License-Identifier: MIT
// What `./xensharp bench` runs when everything is built: compares our hypervisor with Debian's Xen 4.17 in the same emulator.

using System;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.IO;
using System.Linq;
using XenSharp.Bench.Profiling;
using XenSharp.Bench.Reporting;
using XenSharp.Bench.Subjects;
using XenSharp.Bench.Tools;
using XenSharp.Lab.Commands;
using XenSharp.Lab.Common;
using XenSharp.Lab.Machine;
using XenSharp.Lab.Packages;

namespace XenSharp.Bench;

internal static class Program
{
    private static int Main(string[] arguments)
    {
        if (arguments is ["xenstore-echo", var socket])
            return Xenstore.EchoServer.Run(socket);
        if (arguments is ["xenstore", .. string[] rest])
            return RunXenstore(rest);
        if (arguments is ["tools", .. string[] others])
            return RunTools(others);
        BenchOptions options = new();
        RootCommand root = new("Compare the hypervisor with Debian's Xen 4.17 in the same emulator.");
        options.AddTo(root);
        root.SetAction(parsed => parsed.GetValue(options.Profile) is { } name ? Profile(name) : Run([.. options.Wanted(parsed)], parsed.GetValue(options.Runs), parsed.GetValue(options.Json)));
        ParseResult parsed = root.Parse(arguments);
        if (parsed.Errors is [ParseError error, ..])
            return Refuse(error.Message);
        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (MachineException failure)
        {
            Progress.Notice(failure.Message);
            return ExitStatus.MachineFailed;
        }
        catch (LabException failure)
        {
            Progress.Notice(failure.Message);
            return failure.Status;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Progress.Notice($"{failure.Message} Check the path and its permissions, then try again.");
            return ExitStatus.Failed;
        }
    }

    /// <summary>A goal that is not met is a result; a figure that could not be had is a failure.</summary>
    private static int Run(string[] names, int runs, bool json)
    {
        if (Catalog.Unknown(names).FirstOrDefault() is { } unknown)
            return Refuse($"\"{unknown}\" is no row of the comparison; rows are {string.Join(", ", Catalog.All.Select(row => row.Id))}.");
        Prepare();
        ComparisonResult result = new Comparison(Subject.Xen(), Subject.Ours(), names, runs).Run();
        if (json)
            JsonWriter.Write(Console.Out, result);
        else
            TableWriter.Write(Console.Out, result);
        return result.Rows.Any(row => row.Xen.Failure is not null || row.Ours.Failure is not null) ? ExitStatus.Failed : 0;
    }

    /// <summary>The store's daemons have their own comparison; it needs no hypervisor.</summary>
    private static int RunXenstore(string[] arguments)
    {
        Option<double> seconds = new("--seconds") { DefaultValueFactory = _ => 1 };
        Option<int> runs = new("--runs") { DefaultValueFactory = _ => 3 };
        Option<int[]> sizes = new("--nodes") { DefaultValueFactory = _ => [1_000, 100_000, 1_000_000] };
        Option<bool> json = new("--json");
        RootCommand root = new("Compare the xenstore daemons.") { seconds, runs, sizes, json };
        root.SetAction(parsed =>
        {
            using Xenstore.XenstoreBench bench = new(TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(runs), parsed.GetValue(sizes)!, parsed.GetValue(json));
            return bench.Run();
        });
        return root.Parse(arguments).Invoke();
    }

    /// <summary>Our tools and Debian's take turns in one dom0.</summary>
    private static int RunTools(string[] arguments)
    {
        Option<int> runs = new("--runs") { DefaultValueFactory = _ => 3 };
        Option<int> domains = new("--domains") { DefaultValueFactory = _ => 100 };
        Option<bool> oracle = new("--oracle"), json = new("--json");
        RootCommand root = new("Compare our tools with Debian's.") { runs, domains, oracle, json };
        root.SetAction(parsed =>
        {
            Prepare();
            ToolsBench bench = new(parsed.GetValue(oracle) ? Subject.Xen() : Subject.Ours(), parsed.GetValue(runs), parsed.GetValue(domains));
            ToolFigure.Write(Console.Out, bench.Run(), parsed.GetValue(json));
            if (bench.Failure is null)
                return 0;
            Progress.Notice(bench.Failure.Message);
            return ExitStatus.MachineFailed;
        });
        return root.Parse(arguments).Invoke();
    }

    private static int Profile(string name)
    {
        Prepare();
        ProfileRun.Write(Console.Out, Subject.Ours(), name);
        return 0;
    }

    private static void Prepare()
    {
        // One emulator for both, on every host.
        Environment.SetEnvironmentVariable("XENSHARP_ACCEL", "tcg");
        HostTools.Require([.. HostTool.ForBuild, .. HostTool.ForMachine]);
    }

    private static int Refuse(string sentence)
    {
        Progress.Notice($"{sentence} Try ./xensharp bench --help.");
        return ExitStatus.Usage;
    }
}
