// SPDX-License-Identifier: MIT
// `./xensharp bench --profile NAME`: where our instructions go in one operation of the bench kernel. Called by Program.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;
using XenSharp.Bench.Measuring;
using XenSharp.Bench.Reporting;
using XenSharp.Bench.Subjects;
using XenSharp.Lab.Common;
using XenSharp.Lab.Machine;

namespace XenSharp.Bench.Profiling;

internal static class ProfileRun
{
    private const long LogLimit = 64 << 20;
    private const int GroupsShown = 4;
    private const int FunctionsShown = 25;
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(300);
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// A first run tells the order of the operations and the figure; in a second one QEMU logs each instruction of the hypervisor from the line of the
    /// operation before it until its own line, or until the log is long enough.
    /// </summary>
    /// <param name="row">The operation's name, with its group before it as in the table if it is not <c>kernel</c>.</param>
    public static void Write(TextWriter output, Subject subject, string row)
    {
        string group = row.Contains('.') ? row.Split('.')[0] : Catalog.KernelGroup, name = row[(row.IndexOf('.') + 1)..];
        if (group is not (Catalog.KernelGroup or Catalog.GuestsGroup))
            throw new LabException($"Only operations of the bench kernel can be profiled, not rows of \"{group}\".", ExitStatus.Usage);
        MachineConfiguration configuration = group == Catalog.GuestsGroup ? KernelRun.DescribeGuests(subject) : KernelRun.Describe(subject);
        FunctionMap functions = FunctionMap.Read(subject.Sections);
        Progress.Step($"{subject.Name}: running the bench kernel");
        IReadOnlyList<KernelFigure> figures = KernelRun.Measure(configuration);
        int index = figures.ToList().FindIndex(figure => figure.Name == name);
        if (index < 0)
            throw new LabException($"The bench kernel has no operation \"{name}\"; it has {string.Join(", ", figures.Select(figure => figure.Name))}.", ExitStatus.Usage);
        string before = index == 0 ? KernelFigures.EmptyLoopName : figures[index - 1].Name;
        Progress.Step($"{subject.Name}: stepping through {name}");
        IReadOnlyList<ExitGroup> groups = Step(configuration, functions, before, name);
        if (groups.Count == 0)
            throw new LabException($"No exit was seen while the bench kernel ran {name}; it may make none, or the host was too slow to begin in time.");
        output.WriteLine($"{name}: {Row.Format(figures[index].Instructions)} instructions, the guest's included");
        foreach (ExitGroup exits in groups.Take(GroupsShown))
            Write(output, exits);
    }

    private static void Write(TextWriter output, ExitGroup group)
    {
        output.WriteLine();
        output.WriteLine($"{group.Kind}, seen {group.Exits} times: {Row.Format(Math.Round((double)group.Instructions / group.Exits, 1))} instructions from exit to entry");
        foreach ((string function, long count) in group.Functions.OrderByDescending(pair => pair.Value).Take(FunctionsShown))
            output.WriteLine($"{Row.Format(Math.Round((double)count / group.Exits, 1)),8}  {function}");
    }

    private static IReadOnlyList<ExitGroup> Step(MachineConfiguration configuration, FunctionMap functions, string before, string name)
    {
        string folder = Directory.CreateTempSubdirectory("xensharp-bench-").FullName;
        string log = Path.Combine(folder, "steps"), control = Path.Combine(folder, "qmp");
        try
        {
            (ulong first, ulong end) = functions.Range;
            configuration = configuration with { ExtraArguments = [.. configuration.ExtraArguments, .. QemuControl.Arguments(control), "-dfilter", $"0x{first:x}+0x{end - first:x}", "-D", log] };
            using (WatchedMachine machine = WatchedMachine.Start(configuration))
            {
                using QemuControl qemu = new(control);
                machine.WaitFor(new Regex($"bench {before} "), s_timeout);
                qemu.Monitor("singlestep on");
                qemu.Monitor("log exec,in_asm,nochain");
                while (!machine.Machine.HasEnded && !machine.Machine.Transcript.Contains($"bench {name} ", StringComparison.Ordinal) && new FileInfo(log) is not { Exists: true, Length: > LogLimit })
                    Thread.Sleep(s_look);
            }
            using StreamReader reader = new(log, Encoding.Latin1);
            return ExitProfile.Read(reader, functions);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
