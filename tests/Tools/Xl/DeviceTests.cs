// SPDX-License-Identifier: MIT
// Commands that attach and detach devices, up to where a backend would have to answer: what they read, what they refuse, and what stays in the record.

using System.IO;
using System.Threading.Tasks;
using XenSharp.Xl.Frame;
using Xunit;

namespace XenSharp.Tests.Tools.Xl;

public sealed class DeviceTests
{
    [Fact]
    public async Task ADryRunShowsTheDeviceInLibxlsForm()
    {
        using FakeHost host = new();
        host.AddGuest(1, "idle");
        Assert.Equal(
            "disk: {\n    \"pdev_path\": \"/dev/null\",\n    \"vdev\": \"xvdc\",\n    \"format\": \"raw\",\n    \"readwrite\": 1\n}\n\n",
            await host.PrintAsync("xl -N block-attach idle vdev=xvdc target=/dev/null"));
        Assert.Equal("vif: {\n    \"mac\": \"00:16:3e:00:00:78\",\n    \"bridge\": \"xenbr0\"\n}\n\n", await host.PrintAsync("xl -N network-attach idle mac=00:16:3e:00:00:78 bridge=xenbr0"));
    }

    [Theory]
    [InlineData("xl block-attach absent vdev=xvda", 1, "absent is an invalid domain identifier\n")]
    [InlineData("xl block-attach idle vdev=xvda,bogus=1", 1, "Failed to parse disk specification.\n")]
    [InlineData("xl block-attach idle vdev=xvda,target=/absent", 1, "libxl_device_disk_add failed.\n")]
    [InlineData("xl block-attach idle vdev=xvdp,target=/dev/null", 1, "the domain has vbd 51952 already\nlibxl_device_disk_add failed.\n")]
    [InlineData("xl block-attach 9 vdev=xvda,target=/dev/null", 1, "There is no domain 9.\n")]
    [InlineData("xl block-detach idle xvdb", 1, "Error: Device xvdb not connected.\n")]
    [InlineData("xl block-detach idle nothing", 1, "Error: Device nothing not connected.\n")]
    [InlineData("xl network-attach idle mac=x", 1, "mac")]
    [InlineData("xl network-detach idle 0", 1, "Unknown device 0.\n")]
    [InlineData("xl network-detach idle 00:16:3e:00:00:02", 1, "Unknown device 00:16:3e:00:00:02.\n")]
    public async Task WrongDevicesAreRefused(string line, int status, string sentence)
    {
        using FakeHost host = new();
        host.AddGuest(1, "idle");
        host.Store.Write("/libxl/1/device/vbd/51952/backend", "/local/domain/0/backend/vbd/1/51952");
        (string _, string error, int ended) = await host.RunAsync(line);
        Assert.Equal(status, ended);
        Assert.Contains(sentence, error);
    }

    [Fact]
    public async Task ADeviceThatIsClosedIsTakenAway()
    {
        using FakeHost host = new();
        host.AddGuest(1, "idle");
        const string backend = "/local/domain/0/backend/vif/1/0";
        host.Store.Write("/libxl/1/device/vif/0/backend", backend);
        host.Store.Write("/libxl/1/device/vif/0/mac", "00:16:3E:00:00:02");
        host.Store.Write("/local/domain/1/device/vif/0/state", "6");
        (string _, string error, int status) = await host.RunAsync("xl network-detach idle 00:16:3e:00:00:02");
        Assert.Equal(("", 0), (error, status));
        await using var store = await XenstoreClient.XenstoreConnection.ConnectAsync(host.Store.Address);
        Assert.False(await store.Store.ExistsAsync("/libxl/1/device/vif/0"));
        Assert.False(await store.Store.ExistsAsync("/local/domain/1/device/vif/0"));
    }
}
