// SPDX-License-Identifier: MIT
// Our block backend under Debian's unmodified xl: a guest lives on a qcow2 image, disks come and go, and either end dies while requests are under way.

using System;
using System.IO;
using System.Linq;
using XenSharp.Lab.Common;
using XenSharp.Lab.Guests;
using XenSharp.Lab.Packages;
using XenSharp.Lab.Ramdisk;
using Xunit;

namespace XenSharp.Tests.EndToEnd;

public class BackendTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(20);

    [Fact]
    public void A_guest_on_a_qcow2_image_reads_what_it_wrote_and_deaths_stay_local()
    {
        string output = GuestMachine.RunScript(GuestMachine.Steps("backend.txt"), s_limit, extra: [BackendSegment.Archive(), Guest()]);
        string[] statuses = output.Split('\n').Where(line => line.StartsWith("-- status ", StringComparison.Ordinal)).ToArray();
        Assert.True(statuses.All(line => line == "-- status 0"), output);
        Assert.Equal(GuestMachine.Steps("backend.txt").Count, statuses.Length);
    }

    /// <summary>The sample guest with its disk as a qcow2 image, as the launcher would bring it, and an empty second disk.</summary>
    private static byte[] Guest()
    {
        using TemporaryFolder folder = new();
        string image = folder.File("disk.qcow2"), second = folder.File("second.qcow2");
        Convert("convert", "-q", "-f", "raw", "-O", "qcow2", SampleGuest.Obtain().Disk, image);
        Convert("create", "-q", "-f", "qcow2", second, "8M");
        string text = SampleGuest.Configuration(GuestSegment.Folder).Replace("\"sample\"", "\"qcow2\"").Replace("name=sample", "name=qcow2")
            .Replace("format=raw,", $"format=qcow2,{BackendSegment.DiskSetting},").Replace("disk.img", "disk.qcow2");
        CpioWriter archive = new();
        archive.AddFile("guest/qcow2.cfg", text + BackendSegment.Settings);
        archive.AddFile("guest/disk.qcow2", File.ReadAllBytes(image));
        archive.AddFile("guest/second.qcow2", File.ReadAllBytes(second));
        return archive.Finish();
    }

    private static void Convert(params string[] arguments)
    {
        ProgramResult result = HostProgram.Capture("qemu-img", arguments);
        Assert.True(result.Succeeded, result.Errors);
    }
}
