// SPDX-License-Identifier: MIT
// Boots Debian's Linux as dom0 to its shell, for the rows in CPU seconds, exits and memory.

using System;
using System.Collections.Generic;
using System.IO;
using System.Text.RegularExpressions;
using XenSharp.Bench.Subjects;
using XenSharp.Lab.Machine;
using XenSharp.Lab.Ramdisk;

namespace XenSharp.Bench.Measuring;

internal sealed partial class LinuxBoot
{
    private const int MemoryMiB = 1024;
    private const int Dom0MiB = 512;
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(300);
    private static readonly TimeSpan s_keyTimeout = TimeSpan.FromSeconds(30);

    private readonly Dom0Image _image = Dom0Image.FromDebian();

    public string BzImage => _image.Kernel;

    public string Elf => _image.UnpackedKernel();

    /// <summary>User and system time that QEMU has used when the shell's prompt appears.</summary>
    public double CpuSeconds(Subject subject, string kernel)
    {
        using WatchedMachine machine = WatchedMachine.Start(Describe(subject, kernel));
        machine.WaitFor(Prompt(), s_timeout);
        return machine.Machine.ProcessorTime.TotalSeconds;
    }

    /// <summary>How often the hypervisor was left for it, by kind of exit, until the prompt.</summary>
    public ExitCounts Exits(Subject subject)
    {
        string folder = Directory.CreateTempSubdirectory("xensharp-bench-").FullName;
        string log = Path.Combine(folder, "exits");
        try
        {
            long length;
            using (WatchedMachine machine = WatchedMachine.Start(Describe(subject, Elf) with { ExtraArguments = ExitCounts.QemuArguments(log) }))
            {
                machine.WaitFor(Prompt(), s_timeout);
                length = new FileInfo(log).Length;
            }
            using FileStream stream = File.OpenRead(log);
            return ExitCounts.Read(stream, length);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Asks the hypervisor's debug keys at the prompt what it keeps for itself.</summary>
    public KeptMemory Memory(Subject subject)
    {
        using WatchedMachine machine = WatchedMachine.Start(Describe(subject, Elf));
        machine.WaitFor(Prompt(), s_timeout);
        machine.Machine.Send("\u0001\u0001\u0001");
        machine.WaitFor(KeptMemory.InputSwitched(), s_keyTimeout);
        machine.Machine.Send("m");
        machine.WaitFor(KeptMemory.DomHeap(), s_keyTimeout);
        machine.Machine.Send("q");
        machine.WaitFor(KeptMemory.Dom0Pages(), s_keyTimeout);
        return KeptMemory.Parse(machine.Machine.Transcript);
    }

    private MachineConfiguration Describe(Subject subject, string kernel)
    {
        List<BootModule> modules = [new(kernel, "console=hvc0"), new(_image.Ramdisk!)];
        return new MachineConfiguration
        {
            Hypervisor = subject.Hypervisor,
            HypervisorArguments = $"console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all dom0=pvh dom0_mem={Dom0MiB}M",
            Modules = modules,
            MemoryMiB = MemoryMiB,
        };
    }

    [GeneratedRegex(@"dom0:\S*# ")]
    private static partial Regex Prompt();
}
