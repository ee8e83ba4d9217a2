// SPDX-License-Identifier: MIT
// Domains whose bootloader chooses their kernel, and devices that a device model serves.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading.Tasks;
using XenSharp.Configuration;
using XenSharp.Toolstack;
using XenSharp.Toolstack.Devices;
using Xunit;

namespace XenSharp.Tests.Tools.Toolstack;

public sealed partial class CreationTests
{
    private const string Choosing = """
        tty > /dev/null && echo menu
        cp "$folder/kernel" "$directory/k"; cp "$folder/ramdisk" "$directory/r"
        printf 'kernel %s\0ramdisk %s\0args root=/dev/xvda from=%s\0' "$directory/k" "$directory/r" "$given" > "$output"
        """;

    [Fact]
    public async Task BootloaderChoosesTheKernel()
    {
        List<string> before = await TreeAsync();
        DomainConfiguration wanted = WithBootloader(Choosing);
        (ushort id, DomainConfiguration configuration) = await Toolstack().CreateAsync(wanted);
        FakeDomain domain = _fake.Domains[id];
        Assert.Contains(domain.Pages.Values, page => Encoding.ASCII.GetString(page).Contains("root=/dev/xvda from=console=hvc0\0", StringComparison.Ordinal));
        Assert.Equal(wanted.BuildInfo.Bootloader, configuration.BuildInfo.Bootloader);
        Assert.Contains("menu", File.ReadAllText(Path.Combine(Bootloader.LogFolder, $"bootloader.{id}.log")));
        Assert.Single(Directory.GetFileSystemEntries(UserData.Folder));
        await Toolstack().DestroyAsync(id);
        await AssertNothingLeftAsync(before);
    }

    [Theory]
    [InlineData("echo no disk; exit 3", "has failed with status 3", "no disk")]
    [InlineData("exit 0", "has chosen no kernel", "")]
    [InlineData("printf 'kernel /nowhere\\0' > \"$output\"", "the bootloader's kernel /nowhere is not there", "")]
    public async Task BootloaderThatFailsLeavesNothing(string script, string reason, string detail)
    {
        List<string> before = await TreeAsync();
        ToolstackException failure = await Assert.ThrowsAsync<ToolstackException>(() => Toolstack().CreateAsync(WithBootloader(script)));
        Assert.Contains(reason, failure.Message);
        Assert.Contains(detail, failure.Message);
        Assert.Equal("bootloader", failure.Step);
        await AssertNothingLeftAsync(before);
    }

    [Fact]
    public void DeviceModelGetsWhatItsDevicesNeed()
    {
        DomainConfiguration configuration = ModelDevices.WithDefaults(new DomainConfiguration
        {
            BuildInfo = new DomainBuildInfo { TargetMemkb = 65536, Extra = ["-x"], ExtraPv = ["-y"] },
            Channels = [new DeviceChannel { Name = "a", Pty = new NoDetails() }, new DeviceChannel { Name = "b", Socket = new ChannelSocket { Path = "/run/b" } }],
            Vfbs = [new DeviceVfb { Vnc = new VncInfo { Display = 3, Passwd = "p" } }],
        });
        string words = string.Join(' ', ModelArguments.Of(7, "guest", configuration, "/run"));
        Assert.Contains("-chardev pty,id=libxl-channel1 -chardev socket,id=libxl-channel2,path=/run/b,server=on,wait=off -nodefaults", words);
        Assert.EndsWith("-vnc 127.0.0.1:3,password=on,to=99 -display none -x -machine xenpv -y -m 64", words);
        Assert.True(ModelDevices.AreIn(configuration));
        Assert.False(ModelDevices.AreIn(new DomainConfiguration()));
    }

    [Fact]
    public async Task DevicesOfTheDeviceModelHaveTheirNodes()
    {
        DomainConfiguration configuration = ModelDevices.WithDefaults(new DomainConfiguration
        {
            Channels = [new DeviceChannel { Name = "a", Socket = new ChannelSocket { Path = "/run/a" } }],
            P9s = [new DeviceP9 { Tag = "share", Path = "/srv", SecurityModel = "none" }],
            Vfbs = [new DeviceVfb()],
            Vkbs = [new DeviceVkb()],
        });
        List<string> before = await TreeAsync();
        await ModelDevices.AddAllAsync(_store, 5, configuration);
        foreach ((string path, string value) in (List<(string, string)>)
        [
            ("/local/domain/5/device/console/1/output", "chardev:libxl-channel1"), ("/local/domain/5/device/console/1/type", "ioemu"), ("/libxl/5/device/console/1/name", "a"),
            ("/local/domain/5/device/9pfs/0/tag", "share"), ("/local/domain/0/backend/9pfs/5/0/path", "/srv"), ("/local/domain/0/backend/9pfs/5/0/security_model", "none"),
            ("/local/domain/0/backend/vfb/5/0/vnclisten", "127.0.0.1"), ("/local/domain/0/backend/vkbd/5/0/frontend", "/local/domain/5/device/vkbd/0"),
        ])
        {
            Assert.Equal(value, await _store.Store.ReadAsync(path));
        }
        Assert.Throws<ToolstackException>(() => ModelDevices.WithDefaults(new DomainConfiguration { Channels = [new DeviceChannel { Name = "a" }] }));
        Assert.NotEqual(before, await TreeAsync());
    }

    private DomainConfiguration WithBootloader(string script)
    {
        DomainConfiguration configuration = Configuration(TestKernel.Elf(), [1, 2, 3]);
        string path = Path.Combine(_folder, "bootloader");
        File.WriteAllText(path, $$"""
            #!/bin/sh
            folder={{_folder}}
            for word; do
                case $word in
                    --output=*) output=${word#*=} ;;
                    --output-directory=*) directory=${word#*=} ;;
                    --args=*) given=${word#*=} ;;
                esac
            done
            {{script}}

            """);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return configuration with
        {
            BuildInfo = configuration.BuildInfo with { Bootloader = path, Kernel = null, Ramdisk = null },
        };
    }
}
