// SPDX-License-Identifier: MIT
// Boots that cannot succeed, each with the one sentence that says why. No Linux is started.

using System;
using System.Collections.Generic;
using System.IO;
using XenSharp.Lab.Build;
using XenSharp.Lab.Common;
using XenSharp.Lab.Machine;
using XenSharp.Lab.Ramdisk;
using Xunit;

namespace XenSharp.Tests.Boot;

public sealed class RefusalTests : IDisposable
{
    private static readonly TimeSpan s_refusal = TimeSpan.FromSeconds(60);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static IEnumerable<object[]> WrongKernels()
    {
        yield return ["text", "is not an ELF or bzImage kernel"];
        yield return ["truncated", "is a truncated bzImage"];
        yield return ["damaged", "cannot be unpacked"];
        yield return ["program", "is an ELF, but not an executable one|has no Xen PHYS32_ENTRY note"];
    }

    [OwnHypervisorTheory]
    [MemberData(nameof(WrongKernels))]
    public void A_file_that_is_no_kernel_is_told_what_is_wrong_with_it(string kind, string sentence)
    {
        using QemuMachine machine = QemuMachine.Start(StandardMachine.WithKernel(MakeKernel(kind)));
        machine.WaitFor($@"\(XEN\).*({sentence})", s_refusal);
    }

    [OwnHypervisorTheory]
    [InlineData("frobnicate=1")]
    [InlineData("no-frobnicate")]
    public void An_unknown_option_is_named(string option)
    {
        using QemuMachine machine = QemuMachine.Start(StandardMachine.WithKernel(MakeKernel("text"), option));
        machine.WaitFor($@"\(XEN\) (?!Command line).*\b{option.Split('=')[0]}\b", s_refusal);
    }

    [OwnHypervisorFact]
    public void A_machine_without_svm_is_told_so()
    {
        using QemuMachine machine = QemuMachine.Start(StandardMachine.WithKernel(MakeKernel("text")) with { CpuModel = "qemu64,-svm" });
        machine.WaitFor(@"this CPU has no AMD SVM", s_refusal);
    }

    [OwnHypervisorFact]
    public void A_machine_with_too_little_memory_is_told_so()
    {
        using QemuMachine machine = QemuMachine.Start(StandardMachine.WithKernel(MakeKernel("text")) with { MemoryMiB = 16 });
        machine.WaitFor(@"\(XEN\).*too little memory", s_refusal);
    }

    [OwnHypervisorTheory]
    [InlineData(BootProtocol.Multiboot1)]
    [InlineData(BootProtocol.Multiboot2)]
    public void Grub_hands_over_by_either_protocol(BootProtocol protocol)
    {
        MachineConfiguration machine = StandardMachine.WithKernel(MakeKernel("text"), "frobnicate=1");
        string iso = _folder.File("grub.iso");
        GrubImage.Make(iso, Repository.Hypervisor, machine.HypervisorArguments, machine.Modules, protocol);
        using QemuMachine started = QemuMachine.Start(machine with { Iso = iso });
        started.WaitFor(@"\(XEN\) Command line:.*frobnicate=1", s_refusal);
        started.WaitFor(@"\(XEN\).*is not an ELF or bzImage kernel", s_refusal);
    }

    private string MakeKernel(string kind)
    {
        string path = _folder.File(kind);
        switch (kind)
        {
            case "text":
                File.WriteAllText(path, "This is not a kernel.\n");
                break;
            case "program":
                File.Copy("/bin/true", path);
                break;
            case "truncated":
                File.WriteAllBytes(path, File.ReadAllBytes(Dom0Image.FromDebian().Kernel)[..4_000_000]);
                break;
            case "damaged":
                byte[] kernel = File.ReadAllBytes(Dom0Image.FromDebian().Kernel);
                Array.Clear(kernel, 100_000, 1000);
                File.WriteAllBytes(path, kernel);
                break;
        }
        return path;
    }
}
