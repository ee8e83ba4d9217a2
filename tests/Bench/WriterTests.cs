// SPDX-License-Identifier: MIT
// What people and programs get to read.

using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using XenSharp.Bench;
using XenSharp.Bench.Reporting;
using XenSharp.Bench.Subjects;
using Xunit;

namespace XenSharp.Tests.Bench;

public class WriterTests
{
    private static readonly ComparisonResult s_result = new(
        new Subject("Xen 4.17", "Debian 4.17.7+13", "xen", "xen.efi"),
        new Subject("XenSharp", "out/x", "x", "x.syms"),
        [
            new Row(Catalog.BootElf, new Sample(11.5, 11.25, 12, 3), new Sample(5.75, 5.5, 6, 3)),
            new Row(Catalog.KernelRows[0], new Sample(6024), new Sample(470)),
            new Row(Catalog.MemoryKept, new Sample(16580), Outcome.Failed("debug key m is silent.")),
        ],
        []);

    [Fact]
    public void The_table_has_figures_ratio_goal_and_verdict()
    {
        string[] lines = Write(TableWriter.Write).Split('\n');

        Assert.Equal("QEMU start to dom0's shell, vmlinux   CPU s  11.50 (11.25-12)  5.75 (5.50-6)      0.50  below 1.0 of Xen's  met", lines[1]);
        Assert.Equal("null hypercall (xen_version)          instr             6,024            470      0.08  250 instr           NOT met", lines[2]);
        Assert.Equal("memory kept by the hypervisor, 1 GiB  KiB              16,580     failed [1]         -  below 1.0 of Xen's  unknown", lines[3]);
        Assert.Equal("[1] debug key m is silent.", lines[4]);
    }

    [Fact]
    public void The_document_says_the_same_and_leaves_out_what_is_unknown()
    {
        using JsonDocument document = JsonDocument.Parse(Write(JsonWriter.Write));
        JsonElement[] rows = document.RootElement.GetProperty("rows").EnumerateArray().ToArray();

        Assert.Equal("Debian 4.17.7+13", document.RootElement.GetProperty("xen").GetProperty("version").GetString());
        Assert.Equal(5.75, rows[0].GetProperty("ours").GetProperty("median").GetDouble());
        Assert.Equal(0.5, rows[0].GetProperty("ratio").GetDouble());
        Assert.Equal("figure", rows[1].GetProperty("goal").GetProperty("kind").GetString());
        Assert.False(rows[1].GetProperty("isGoalMet").GetBoolean());
        Assert.Equal("debug key m is silent.", rows[2].GetProperty("ours").GetProperty("failure").GetString());
        Assert.False(rows[2].TryGetProperty("isGoalMet", out _));
    }

    private static string Write(Action<TextWriter, ComparisonResult> write)
    {
        using StringWriter output = new();
        write(output, s_result);
        return output.ToString();
    }
}
