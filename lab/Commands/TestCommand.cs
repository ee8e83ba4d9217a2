// SPDX-License-Identifier: MIT
// `./xensharp test [level]`: runs the test projects of a level and ends with one line of counts.

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Linq;
using XenSharp.Lab.Build;
using XenSharp.Lab.Common;
using XenSharp.Lab.Packages;
using XenSharp.Lab.Terminal;
using XenSharp.Lab.Testing;

namespace XenSharp.Lab.Commands;

internal static class TestCommand
{
    public static Command Create()
    {
        Argument<string> level = new("level") { Description = "unit (no QEMU), boot (in QEMU), all (both) or long (what takes too long for every day)", DefaultValueFactory = _ => "all" };
        level.Validators.Add(result =>
        {
            string value = result.Tokens.Count > 0 ? result.Tokens[0].Value : "all";
            if (value is not ("unit" or "boot" or "all" or "long"))
                result.AddError($"\"{value}\" is no test level: unit, boot, all and long are.");
        });
        Option<string?> filter = new("--filter") { Description = "only tests that match, in the form of `dotnet test --filter`", HelpName = "EXPRESSION" };
        Command command = new("test", "Run the tests; the last line is 'N passed, N failed' and maybe ', N skipped'.") { level, filter };
        command.SetAction(parsed => Run(parsed.GetValue(level)!, parsed.GetValue(filter)));
        return command;
    }

    private static int Run(string level, string? filter)
    {
        List<TestProject> projects = TestProject.InRepository().Where(project => project.BelongsTo(level)).ToList();
        HostTools.Require(projects.SelectMany(project => project.Packages));
        TestCounts total = default;
        foreach (TestProject project in projects.Where(project => project.Level != "boot"))
            total += TestRun.Run(project, level, filter);
        if (projects.Any(project => project.Level == "boot"))
            total += RunBootTests(projects.Where(project => project.Level == "boot"), level, filter);
        if (total.Ran == 0)
            Progress.Notice($"no test ran at level {level}{(filter is null ? "" : $" with --filter {filter}")}; that counts as a failure.");
        HostConsole.Out.WriteLine($"{total.Passed} passed, {total.Failed} failed{(total.Skipped > 0 ? $", {total.Skipped} skipped" : "")}");
        return total.Failed == 0 && total.Ran > 0 ? 0 : ExitStatus.Failed;
    }

    /// <summary>A hypervisor that does not build is one failure, told like any other; the counts still come.</summary>
    private static TestCounts RunBootTests(IEnumerable<TestProject> projects, string level, string? filter)
    {
        try
        {
            HostTools.Require(HostTool.ForMachine);
            ProjectBuild.Hypervisor();
            ProjectBuild.Guests();
        }
        catch (LabException failure)
        {
            Progress.Notice(failure.Message);
            return new TestCounts(0, 1, 0);
        }
        TestCounts total = default;
        foreach (TestProject project in projects)
            total += TestRun.Run(project, level, filter);
        return total;
    }
}
