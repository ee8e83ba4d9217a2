// SPDX-License-Identifier: MIT
// Test kernels in Bochs, started by GRUB: a machine with a TLB that keeps entries, next-RIP saving and an older chip set. Level long.

using System;
using System.Collections.Generic;
using System.IO;
using XenSharp.Lab.Common;
using XenSharp.Tests.Golden;
using Xunit;

namespace XenSharp.Tests.Boot;

/// <summary>Skipped, with what is missing, where Bochs is not installed: <c>apt-get install bochs bochsbios grub-pc-bin xorriso mtools</c>.</summary>
public sealed class BochsTheoryAttribute : TheoryAttribute
{
    public BochsTheoryAttribute()
    {
        if (HostProgram.Find("bochs-bin") is null || !File.Exists("/usr/share/bochs/BIOS-bochs-latest"))
            Skip = "Bochs is not installed; its Debian packages are bochs and bochsbios";
    }
}

[Trait("Level", "long")]
public class BochsTests
{
    [BochsTheory]
    [InlineData("multiboot2")]
    [InlineData("multiboot")]
    public void A_kernel_starts_by_both_protocols(string protocol)
    {
        string serial = Boot("Hardware Dom0 halted", ["--protocol", protocol], "basics", "hello");
        Assert.Contains("hello from a PVH kernel", serial, StringComparison.Ordinal);
    }

    [BochsTheory]
    [InlineData("1")]
    [InlineData("2")]
    public void Processors_interrupt_each_other(string count)
    {
        string serial = Boot("^smp end", ["--cpus", count], "basics", "smp");
        Assert.Contains($"Brought up {count} CPUs", serial, StringComparison.Ordinal);
        Assert.Contains("local APIC interrupts good on all", serial, StringComparison.Ordinal);
        Assert.Contains("events again good on all", serial, StringComparison.Ordinal);
    }

    // Not in the comparison with real Xen's answers: those hold the other machine's tables and devices.
    [BochsTheory]
    [InlineData("cpuid")]
    [InlineData("platform")]
    public void The_probe_comes_to_its_end(string mode)
    {
        Assert.NotNull(AnswerComparison.Extract(Boot("^== end", [], "conformance", mode)));
    }

    private static string Boot(string until, IEnumerable<string> options, params IEnumerable<string> kernel)
    {
        string script = Path.Combine(Repository.Root, "eng", "bochs.sh");
        (int status, byte[] output, string errors) = HostProgram.CaptureBytes(
            "bash", [script, "--hypervisor", Repository.Hypervisor, "--seconds", "300", "--until", $"{until}|Panic on CPU", .. options, .. kernel]);
        string serial = System.Text.Encoding.Latin1.GetString(output).Replace("\r", "", StringComparison.Ordinal);
        Assert.True(status == 0, $"{serial}\n{errors}");
        Assert.DoesNotContain("Panic on CPU", serial, StringComparison.Ordinal);
        return serial;
    }
}
