// SPDX-License-Identifier: MIT
// Devices that come to a running domain: a fault in each step leaves nothing behind.

using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using XenSharp.Configuration;
using XenSharp.Toolstack;
using XenSharp.Toolstack.Store;
using Xunit;

namespace XenSharp.Tests.Tools.Toolstack;

public sealed partial class CreationTests
{
    [Fact]
    public async Task FaultInAnyStepOfAttachLeavesNothing()
    {
        (ushort id, DomainConfiguration configuration) = await Toolstack().CreateAsync(Configuration(TestKernel.Elf()));
        DomainDevices devices = new(_hypervisor, _store);
        Steps all = new();
        await devices.AttachDiskAsync(id, Second(), all);
        Assert.Equal(["nodes of disk xvdb", "backend of vbd 51728", "hotplug of vbd 51728", "record of vbd 51728"], all.Taken.Select(step => step.Name));
        Assert.Equal(["xvda", "xvdb"], Record().Disks.Select(disk => disk.Vdev));
        await devices.DetachAsync(id, (await devices.FindDiskAsync(id, "xvdb"))!, isForced: false);
        Assert.Equal(["xvda"], Record().Disks.Select(disk => disk.Vdev));
        List<string> before = await TreeAsync();
        foreach (string name in all.Taken.Select(step => step.Name))
        {
            File.WriteAllText(Path.Combine(_folder, "calls"), "");
            Steps steps = new() { Before = step => { if (step == name) throw new IOException("injected"); } };
            ToolstackException failure = await Assert.ThrowsAsync<ToolstackException>(() => devices.AttachDiskAsync(id, Second(), steps));
            Assert.Equal($"{name}: injected", failure.Message);
            Assert.Equal(before, await TreeAsync());
            Assert.Equal(["xvda"], Record().Disks.Select(disk => disk.Vdev));
            // What the script has added it removes.
            string[] calls = await File.ReadAllLinesAsync(Path.Combine(_folder, "calls"));
            Assert.True(calls.Count(call => call == "add") <= calls.Count(call => call == "remove"), $"{name}: {string.Join(' ', calls)}");
        }

        DeviceDisk Second() => configuration.Disks[0] with { Vdev = "xvdb" };

        DomainConfiguration Record() => UserData.ReadConfiguration(id, configuration.CreateInfo.Uuid)!;
    }

    [Fact]
    public async Task ScriptThatFailsIsToldAndUndone()
    {
        (ushort id, DomainConfiguration configuration) = await Toolstack().CreateAsync(Configuration(TestKernel.Elf()));
        List<string> before = await TreeAsync();
        string script = Path.Combine(_folder, "bad");
        File.WriteAllText(script, "#!/bin/sh\n[ $1 = remove ] && exit 0\necho no such luck >&2\nexit 3\n");
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        ToolstackException failure = await Assert.ThrowsAsync<ToolstackException>(
            () => new DomainDevices(_hypervisor, _store).AttachDiskAsync(id, configuration.Disks[0] with { Vdev = "xvdc", Script = script }));
        Assert.Equal($"vbd 51744: {script} add failed: no such luck (exit status 3)", failure.Message);
        Assert.Equal(before, await TreeAsync());
    }

    /// <summary>A script that is not there, or fails at the end too: the domain goes, with what is noted about its devices.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("#!/bin/sh\necho broken >&2\nexit 1\n")]
    public async Task BrokenScriptDoesNotKeepADomain(string content)
    {
        List<string> before = await TreeAsync();
        string script = Path.Combine(_folder, "worse");
        if (content.Length > 0)
        {
            File.WriteAllText(script, content);
            File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        DomainConfiguration configuration = Configuration(TestKernel.Elf());
        ToolstackException failure = await Assert.ThrowsAsync<ToolstackException>(() => Toolstack().CreateAsync(configuration with { Disks = [configuration.Disks[0] with { Script = script }] }));
        Assert.StartsWith(content.Length == 0 ? $"vbd 51712: the hotplug script {script} is not there" : $"vbd 51712: {script} add failed: broken", failure.Message);
        await AssertNothingLeftAsync(before);
    }

    [Fact]
    public async Task KeyboardNeedsSomebodyWhoServesIt()
    {
        (ushort id, DomainConfiguration configuration) = await Toolstack().CreateAsync(Configuration(TestKernel.Elf()));
        DomainDevices devices = new(_hypervisor, _store);
        List<string> before = await TreeAsync();
        ToolstackException failure = await Assert.ThrowsAsync<ToolstackException>(() => devices.AttachVkbAsync(id, new DeviceVkb()));
        Assert.Contains("no device model", failure.Message);
        Assert.Equal(before, await TreeAsync());
        await _store.Store.WriteAsync($"/local/domain/{id}/image/device-model-pid", "1");
        Assert.Equal(0, (await devices.AttachVkbAsync(id, new DeviceVkb { FeatureAbsPointer = true })).Devid);
        Assert.Equal(1, (await devices.AttachVkbAsync(id, new DeviceVkb { BackendType = VkbBackend.Linux, UniqueId = "k" })).Devid);
        Assert.Equal("1", await _store.Store.ReadAsync($"/local/domain/0/backend/vkbd/{id}/0/feature-abs-pointer"));
        Assert.Equal("k", await _store.Store.ReadAsync($"/local/domain/0/backend/vinput/{id}/1/unique-id"));
        Assert.Equal(2, UserData.ReadConfiguration(id, configuration.CreateInfo.Uuid)!.Vkbs.Count);
        DeviceAddress keyboard = (await devices.FindAsync(id, "vkbd", 0))!;
        await devices.DetachAsync(id, keyboard, isForced: true);
        Assert.Single(UserData.ReadConfiguration(id, configuration.CreateInfo.Uuid)!.Vkbs);
        Assert.False(await _store.Store.ExistsAsync(keyboard.Frontend));
    }
}
