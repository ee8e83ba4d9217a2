// SPDX-License-Identifier: MIT
// Boots the bench kernel in place of Linux with QEMU counting instructions. Used by Comparison and ProfileRun.

using System;
using System.Collections.Generic;
using System.IO;
using System.Text.RegularExpressions;
using XenSharp.Bench.Subjects;
using XenSharp.Lab.Common;
using XenSharp.Lab.Machine;

namespace XenSharp.Bench.Measuring;

internal static partial class KernelRun
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(300);

    private static string Kernel => Path.Combine(Repository.Out, "guests/bench");

    /// <summary>
    /// With <c>shift=0</c> the virtual clock advances one nanosecond, which is one tick of the TSC, an instruction, hypervisor's and guest's alike: figures
    /// do not depend on the host and repeat exactly.
    /// </summary>
    public static IReadOnlyList<KernelFigure> Measure(Subject subject) => Measure(Describe(subject));

    public static IReadOnlyList<KernelFigure> Measure(MachineConfiguration configuration) => KernelFigures.Parse(Console(configuration));

    /// <summary>The longest stretches that single calls with the worst known arguments keep their vCPU in the hypervisor.</summary>
    public static IReadOnlyList<KernelFigure> MeasureWorst(Subject subject) =>
        KernelFigures.ParseWorst(Console(Describe(subject) with { Modules = [new BootModule(Kernel, "worst")] }));

    /// <summary>With a second domain, which the kernel builds of itself.</summary>
    public static IReadOnlyList<KernelFigure> MeasureGuests(Subject subject) => Measure(DescribeGuests(subject));

    public static MachineConfiguration DescribeGuests(Subject subject) =>
        Describe(subject) with { Modules = [new BootModule(Kernel, "peers"), new BootModule(Kernel)] };

    public static MachineConfiguration Describe(Subject subject)
    {
        if (!File.Exists(Kernel))
            throw new LabException($"There is no bench kernel at {Kernel}; run ./xensharp build first.");
        return new MachineConfiguration
        {
            Hypervisor = subject.Hypervisor,
            HypervisorArguments = "console=com1 com1=115200,8n1 dom0=pvh dom0_mem=256M",
            Modules = [new BootModule(Kernel)],
            MemoryMiB = 1024,
            ExtraArguments = ["-icount", "shift=0,sleep=off"],
        };
    }

    private static string Console(MachineConfiguration configuration)
    {
        using WatchedMachine machine = WatchedMachine.Start(configuration);
        // What the hypervisor says to the reboot behind this line is no trouble.
        machine.WaitFor(End(), s_timeout);
        return machine.Machine.Transcript;
    }

    [GeneratedRegex(@"^== end\r?\n", RegexOptions.Multiline)]
    private static partial Regex End();
}
