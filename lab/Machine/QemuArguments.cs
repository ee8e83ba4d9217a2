// SPDX-License-Identifier: MIT
// QEMU's command line for a machine. Called by QemuMachine.

using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;

namespace XenSharp.Lab.Machine;

internal static class QemuArguments
{
    /// <summary>
    /// The arguments for a machine whose files were linked into <paramref name="folder"/>: QEMU cuts its list of modules at commas and spaces, which a
    /// user's path may hold.
    /// </summary>
    public static List<string> Build(MachineConfiguration machine, string folder)
    {
        List<string> arguments =
        [
            "-accel", Accelerator.Choose(machine.Cpus),
            "-M", "q35,kernel-irqchip=split",
            "-device", "amd-iommu,intremap=on",
            "-cpu", machine.CpuModel,
            "-m", machine.MemoryMiB.ToString(CultureInfo.InvariantCulture),
            "-smp", machine.Cpus.ToString(CultureInfo.InvariantCulture),
            // No multiplexer in front of the serial line: it would eat Ctrl-A, which belongs to the hypervisor.
            "-display", "none", "-monitor", "none", "-chardev", "stdio,id=serial,signal=off", "-serial", "chardev:serial",
            "-nic", "none",
        ];
        if (machine.EndOnReboot)
            arguments.Add("-no-reboot");
        if (machine.Iso is not null)
            arguments.AddRange(["-drive", $"if=none,id=cd,media=cdrom,readonly=on,format=raw,file={Quote(machine.Iso)}", "-device", "ide-cd,drive=cd", "-boot", "d"]);
        else if (machine.Hypervisor is not null)
            arguments.AddRange(["-kernel", Link(folder, "hypervisor", machine.Hypervisor), "-append", machine.HypervisorArguments]);
        if (machine.Iso is null && machine.Modules.Count > 0)
            arguments.AddRange(["-initrd", string.Join(',', machine.Modules.Select((module, index) => Describe(module, index, folder)))]);
        for (int index = 0; index < machine.Disks.Count; index++)
        {
            arguments.AddRange(["-drive", $"if=none,id=disk{index},format=raw,file={Quote(machine.Disks[index])}"]);
            arguments.AddRange(["-device", $"virtio-blk-pci,drive=disk{index},disable-legacy=on,iommu_platform=on"]);
        }
        if (machine.GdbPort is { } port)
            arguments.AddRange(["-gdb", $"tcp:127.0.0.1:{port}", "-S"]);
        arguments.AddRange(machine.ExtraArguments);
        return arguments;
    }

    private static string Describe(BootModule module, int index, string folder)
    {
        string path = Link(folder, $"module{index}", module.Path);
        return Quote(module.Arguments.Length > 0 ? $"{path} {module.Arguments}" : path);
    }

    private static string Link(string folder, string name, string target)
    {
        string path = Path.Combine(folder, name);
        File.CreateSymbolicLink(path, Path.GetFullPath(target));
        return path;
    }

    /// <summary>A comma in a QEMU option's value is written twice.</summary>
    private static string Quote(string value) => value.Replace(",", ",,");
}
