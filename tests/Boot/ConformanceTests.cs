// SPDX-License-Identifier: MIT
// The probe kernel's answers against those of real Xen 4.17, line by line. The golden files come from eng/record-golden.sh.

using System;
using XenSharp.Lab.Machine;
using XenSharp.Tests.Golden;
using Xunit;

namespace XenSharp.Tests.Boot;

public class ConformanceTests
{
    [Theory]
    [InlineData("probe", "", "")]
    [InlineData("cpuid", "-cpuid", "-cpuid")]
    [InlineData("platform", "-platform", "-platform")]
    [InlineData("foreign", "-foreign", "-foreign")]
    [InlineData("control", "-control", "-control")]
    [InlineData("narrow", "-narrow", "-narrow")]
    [InlineData("narrow-foreign", "-narrow-foreign", "-foreign")]
    [InlineData("narrow-control", "-narrow-control", "-control")]
    public void A_pvh_dom0_gets_the_answers_of_real_xen(string mode, string suffix, string accepted)
    {
        using QemuMachine machine = QemuMachine.Start(TestKernel.Machine("conformance", mode));
        machine.WaitFor("^== end", StandardMachine.BootTimeout);
        string problems = AnswerComparison.DescribeFiles(
            TestKernel.Golden($"xen-4.17-pvh-dom0{suffix}.txt"), machine.Transcript, TestKernel.Golden($"accepted{accepted}.txt"));
        Assert.True(problems.Length == 0, problems);
    }

    /// <summary>Debian's Xen has these calls compiled out: the reference is 4.17 with CONFIG_GDBSX, which is its default for those who may choose.</summary>
    [Fact]
    public void A_debugger_gets_the_answers_of_a_xen_that_has_gdbsx()
    {
        using QemuMachine machine = QemuMachine.Start(TestKernel.Machine("conformance", "debugger"));
        machine.WaitFor("^== end", StandardMachine.BootTimeout);
        string problems = AnswerComparison.DescribeFiles(
            TestKernel.Golden("xen-4.17-gdbsx-debugger.txt"), machine.Transcript, TestKernel.Golden("accepted-debugger.txt"));
        Assert.True(problems.Length == 0, problems);
    }

    [Theory]
    [InlineData("hello")]
    [InlineData("shutdown=1")]
    [InlineData("shutdown=2")]
    [InlineData("shutdown=3")]
    [InlineData("shutdown=4")]
    [InlineData("shutdown=5")]
    [InlineData("shutdown=255")]
    [InlineData("fault")]
    [InlineData("triplefault")]
    [InlineData("watchdog")]
    [InlineData("lastdown")]
    [InlineData("halt")]
    public void The_hypervisor_ends_as_real_xen_does(string ending)
    {
        CheckEnding(ending, "noreboot");
        CheckEnding(ending, "");
    }

    private static void CheckEnding(string ending, string option)
    {
        Ending expected = Ending.Read(TestKernel.Golden("xen-4.17-pvh-dom0-endings.txt"), ending, option);
        using QemuMachine machine = QemuMachine.Start(TestKernel.Machine("basics", ending, option));
        foreach (string line in expected.Lines)
            machine.WaitFor(line, TimeSpan.FromSeconds(60));
        if (expected.EndsByItself)
            machine.WaitForEnd(TimeSpan.FromSeconds(60));
        else
            Assert.False(machine.HasEnded);
    }
}
