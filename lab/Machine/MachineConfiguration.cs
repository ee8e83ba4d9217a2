// SPDX-License-Identifier: MIT
// What machine to start: filled by the run command and by boot tests, turned into QEMU's arguments by QemuArguments.

using System.Collections.Generic;

namespace XenSharp.Lab.Machine;

/// <summary>A file that the boot loader hands to the hypervisor, with its arguments: dom0's kernel or ramdisk.</summary>
public sealed record BootModule(string Path, string Arguments = "");

/// <summary>
/// The standard machine of XenSharp: q35 with an AMD IOMMU, the CPU model on which QEMU's SVM emulation is sound, one serial line and nothing else.
/// Everything has a default except what to boot.
/// </summary>
public sealed record MachineConfiguration
{
    /// <summary>
    /// EPYC less three features that QEMU 7.2's emulator has wrong: MWAIT faults in an idle hypervisor, SMAP faults a guest's IRET, and RDTSCP reports
    /// the exit code of RDTSC.
    /// </summary>
    public const string StandardCpuModel = "EPYC,-monitor,-smap,-rdtscp";

    /// <summary>The multiboot file for QEMU's own loader; null when <see cref="Iso"/> is booted.</summary>
    public string? Hypervisor { get; init; }

    public string HypervisorArguments { get; init; } = "";

    /// <summary>Module 0 is dom0's kernel, module 1 its ramdisk.</summary>
    public IReadOnlyList<BootModule> Modules { get; init; } = [];

    /// <summary>A CD image with its own boot loader, in place of <see cref="Hypervisor"/>.</summary>
    public string? Iso { get; init; }

    public int Cpus { get; init; } = 1;

    public int MemoryMiB { get; init; } = 2048;

    public string CpuModel { get; init; } = StandardCpuModel;

    /// <summary>Raw images, each a virtio disk behind the IOMMU.</summary>
    public IReadOnlyList<string> Disks { get; init; } = [];

    /// <summary>QEMU waits for a debugger on this TCP port before the first instruction.</summary>
    public int? GdbPort { get; init; }

    /// <summary>A reboot ends QEMU instead of resetting the machine.</summary>
    public bool EndOnReboot { get; init; } = true;

    /// <summary>Where everything that the serial line prints is kept, beside memory.</summary>
    public string? LogFile { get; init; }

    /// <summary>Further arguments for QEMU, such as <c>-icount shift=0</c>.</summary>
    public IReadOnlyList<string> ExtraArguments { get; init; } = [];
}
