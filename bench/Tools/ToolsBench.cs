// SPDX-License-Identifier: MIT
// Our tools beside Debian's in one dom0 on one hypervisor: `./xensharp bench tools`. Called by Program.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using XenSharp.Bench.Measuring;
using XenSharp.Bench.Subjects;
using XenSharp.Lab.Common;
using XenSharp.Lab.Guests;
using XenSharp.Lab.Machine;
using XenSharp.Lab.Packages;
using XenSharp.Lab.Ramdisk;

namespace XenSharp.Bench.Tools;

/// <summary>CPU seconds of QEMU between marks that a script in dom0 prints on the console, with a second of rest around each.</summary>
internal sealed class ToolsBench(Subject subject, int runs, int domains)
{
    private const int MemoryMiB = 3584, Dom0MiB = 1152, ListCalls = 5, StartCalls = 10, ConsoleKiB = 2048;
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(900);
    private static readonly (string Name, string Folder)[] s_tools = [("debian", "/usr/sbin"), ("ours", ProgramsSegment.Folder)];

    private const string Functions = """
        exec 2> /dev/console
        mark() { sleep 1; echo "bench mark $1" > /dev/console; sleep 1; }
        gone() { while xl domid "$1" > /dev/null 2>&1; do usleep 200000; done; until [ -z "$(ls /sys/bus/xen-backend/devices)" ]; do usleep 200000; done; }
        guest() {
            sed "s,/guest/vmlinuz,/guest/$2,; s,name = .*,name = \"$1\"," /guest/sample.cfg > /root/$1.cfg
        }
        console() {
            kill $(cat /run/xenconsoled.pid); sleep 1; rm -f /var/log/xen/console/guest-*.log
            $1/xenconsoled --pid-file=/run/xenconsoled.pid --log=guest --log-dir=/var/log/xen/console
        }
        said() { until [ "$(wc -c < /var/log/xen/console/guest-talk.log)" -ge $1 ]; do usleep 100000; done 2> /dev/null; }
        guest packed vmlinuz-xz
        guest plain vmlinux
        guest talk vmlinuz
        sed -i "s,name=sample,name=sample run=sleep_5;dd_if=/dev/zero_bs=4k_count=512," /root/talk.cfg
        printf 'name = "talk"\ntype = "pvh"\nkernel = "/guest/basics"\nextra = "idle"\nmemory = 20\n' > /root/small.cfg
        """;

    private List<ToolStep> Steps()
    {
        List<ToolStep> steps = [];
        for (int run = 1; run <= runs; run++)
        {
            foreach ((string name, string folder) in s_tools)
            {
                const string destroyPacked = "xl destroy packed; gone packed", destroyPlain = "xl destroy plain; gone plain";
                steps.Add(new($"create.first.{name}", "rm -rf /var/cache/xensharp", $"{folder}/xl create -q -p /root/packed.cfg", destroyPacked));
                steps.Add(new($"create.again.{name}", "", $"{folder}/xl create -q -p /root/packed.cfg", destroyPacked));
                steps.Add(new($"create.unpacked.{name}", "", $"{folder}/xl create -q -p /root/plain.cfg", destroyPlain));
                steps.Add(new($"start.{name}", "", Loop(StartCalls, $"{folder}/xl help > /dev/null"), "", StartCalls));
            }
        }
        foreach ((string name, string folder) in s_tools)
            steps.Add(new($"console.{name}", $"console {folder}; xl create -q /root/talk.cfg; said 200", $"said {ConsoleKiB * 1024}", "xl destroy talk; gone talk"));
        string fill = $"count=0; while [ $count -lt {domains} ]; do count=$((count + 1)); {ProgramsSegment.Folder}/xl create -q -p -e /root/small.cfg \"name='g$count'\" || mark failed; done";
        for (int run = 1; run <= runs; run++)
        {
            foreach ((string name, string folder) in s_tools)
                steps.Add(new($"list.{name}", run == 1 && name == "debian" ? fill : "", Loop(ListCalls, $"[ $({folder}/xl list | wc -l) = {domains + 2} ]"), "", ListCalls));
        }
        return steps;
    }

    private static string Loop(int times, string work) => $"for i in {string.Join(' ', Enumerable.Range(1, times))}; do {work} || break; done; [ $i = {times} ]";

    public IReadOnlyList<ToolFigure> Run()
    {
        using TemporaryFolder folder = new();
        List<ToolStep> steps = Steps();
        Dictionary<string, List<double>> figures = [];
        try
        {
            Measure(folder, steps, figures);
        }
        catch (MachineException failure)
        {
            Failure = failure;
        }
        double packed = Sizes.Debian(), own = Sizes.Own();
        ToolFigure?[] rows =
        [
            Figure("create.first", "CPU s", "the kernel unpacked from xz", 1),
            Figure("create.again", "CPU s", "ours from its cache", 0.3),
            Figure("create.unpacked", "CPU s", "a kernel that is not packed: all but unpacking", 0.5),
            Figure("list", "CPU s", $"xl list with {domains} domains", 1),
            Figure("start", "CPU s", "xl help", 1),
            Figure("console", "CPU s", $"{ConsoleKiB / 1024} MiB from a guest's console to its log", 1),
            new ToolFigure("size", "MiB", "the program; Debian's: xl, xenconsole, xenconsoled and xenstore with Xen's libraries", [packed], [own], null),
        ];
        return [.. rows.OfType<ToolFigure>()];

        ToolFigure? Figure(string row, string unit, string what, double goal) =>
            figures.TryGetValue($"{row}.debian", out List<double>? debian) && figures.TryGetValue($"{row}.ours", out List<double>? ours) ? new ToolFigure(row, unit, what, debian, ours, goal) : null;
    }

    /// <summary>What ended the run; the rows before it are there.</summary>
    public MachineException? Failure { get; private set; }

    private void Measure(TemporaryFolder folder, List<ToolStep> steps, Dictionary<string, List<double>> figures)
    {
        using (WatchedMachine machine = WatchedMachine.Start(Describe(folder.File("ramdisk"), Functions + "\n" + string.Concat(steps.Select(step => step.Script)))))
        {
            foreach (ToolStep step in steps)
            {
                double start = At(machine, $"{step.Name}.begin");
                Progress.Step($"{subject.Name}: {step.Name}");
                double seconds = (At(machine, $"{step.Name}.end") - start) / step.Times;
                if (!figures.TryGetValue(step.Name, out List<double>? list))
                    figures[step.Name] = list = [];
                list.Add(seconds);
            }
        }
    }

    private static double At(WatchedMachine machine, string mark)
    {
        Match found = machine.WaitFor(new Regex($"bench mark (failed|{Regex.Escape(mark)})\r?\n"), s_timeout);
        if (found.Groups[1].Value == "failed")
            throw new MachineException($"The script failed before \"{mark}\".", machine.Machine.Tail(), machine.Machine.Complaints);
        return machine.Machine.ProcessorTime.TotalSeconds;
    }

    private MachineConfiguration Describe(string ramdisk, string script)
    {
        Dom0Image dom0 = Dom0Image.FromDebian(withTools: true);
        CpioWriter kernels = new();
        kernels.AddFile("guest/vmlinuz-xz", File.ReadAllBytes(dom0.Kernel));
        kernels.AddFile("guest/vmlinux", File.ReadAllBytes(dom0.UnpackedKernel()));
        kernels.AddFile("guest/basics", File.ReadAllBytes(Path.Combine(Repository.Out, "guests", "basics")));
        MachineConfiguration machine = LinuxGuest.Describe(subject, ramdisk, script, kernels.Finish(), ProgramsSegment.Archive(isFirst: false));
        return machine with { MemoryMiB = MemoryMiB, HypervisorArguments = Regex.Replace(machine.HypervisorArguments, @"dom0_mem=\d+M", $"dom0_mem={Dom0MiB}M") };
    }

    /// <summary>MiB of programs.</summary>
    private static class Sizes
    {
        private static readonly string[] s_packages = ["xen-utils-4.17", "libxenmisc4.17", "libxencall1", "libxenevtchn1", "libxenforeignmemory1", "libxengnttab1", "libxenstore4", "libxentoolcore1", "libxentoollog1", "libxendevicemodel1", "libxenhypfs1", "xenstore-utils"];
        private static readonly string[] s_programs = ["xl", "xenconsole", "xenconsoled", "xenstore"];

        public static double Own() => new FileInfo(Path.Combine(Repository.Out, "programs", "xensharp-tools")).Length / 1048576.0;

        public static double Debian() => s_packages.Select(AptArchive.Obtain).SelectMany(package => Directory.EnumerateFiles(package.Folder, "*", SearchOption.AllDirectories))
            .Where(path => new FileInfo(path).LinkTarget is null && (Path.GetFileName(path).Contains(".so.", StringComparison.Ordinal) || Array.Exists(s_programs, name => name == Path.GetFileName(path))))
            .Sum(path => new FileInfo(path).Length) / 1048576.0;
    }
}
