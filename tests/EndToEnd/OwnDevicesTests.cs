// SPDX-License-Identifier: MIT
// Our xl at the edges of dom0: device models, bootloaders, hotplug scripts, terminals, guests that die, and everything that can go wrong with them. On ours and on
// real Xen; of level long.

using System;
using System.IO;
using System.Linq;
using XenSharp.Lab.Packages;
using XenSharp.Lab.Ramdisk;
using Xunit;

namespace XenSharp.Tests.EndToEnd;

public class OwnDevicesTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(20);

    [Fact]
    [Trait("Level", "long")]
    public void Our_xl_works_with_device_models_bootloaders_and_scripts() =>
        Run("own-devices.txt", DeviceModelTests.DeviceModel(), DeviceModelTests.Guest(), Programs("iproute2", "bin/ip"));

    [Fact]
    [Trait("Level", "long")]
    public void What_fails_under_our_xl_is_told_in_a_sentence_and_leaves_nothing() => Run("own-faults.txt");

    [Fact]
    [Trait("Level", "long")]
    public void A_guests_death_is_followed_by_what_its_configuration_says() => Run("own-endings.txt");

    [Fact]
    [Trait("Level", "long")]
    public void Our_xl_works_on_a_terminal() => Run("own-terminal.txt", Programs("bsdutils", "usr/bin/script"));

    /// <summary>Each step must succeed.</summary>
    private static void Run(string script, params byte[][] extra)
    {
        string[] steps = [.. GuestMachine.Steps(script).Select(step => $". /guest/functions; {step}")];
        CpioWriter functions = new();
        functions.AddFile("guest/functions", File.ReadAllText(GuestMachine.Script("own-functions.sh")));
        string output = GuestMachine.RunScript(steps, s_limit, extra: [ProgramsSegment.Archive(isFirst: true), functions.Finish(), .. extra]);
        string[] statuses = [.. output.Split('\n').Where(line => line.StartsWith("-- status ", StringComparison.Ordinal))];
        Assert.True(statuses.All(line => line == "-- status 0"), output);
        Assert.Equal(steps.Length, statuses.Length);
    }

    private static byte[] Programs(string package, params string[] paths)
    {
        PackageFiles files = new(package);
        foreach (string path in paths)
            files.AddProgram(path);
        CpioWriter archive = new();
        foreach ((string path, string source, bool isProgram) in files.Files)
            archive.AddFile(path, File.ReadAllBytes(source), isProgram);
        return archive.Finish();
    }
}
