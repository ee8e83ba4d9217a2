// SPDX-License-Identifier: MIT
// A guest's configuration: the files that it names come into dom0, everything else stays as it was written.

using System.IO;
using XenSharp.Lab.Common;
using XenSharp.Lab.Guests;
using Xunit;

namespace XenSharp.Tests.Lab;

public class GuestConfigurationTests
{
    [Fact]
    public void Files_become_paths_in_dom0_and_the_rest_stays()
    {
        using TemporaryFolder folder = new();
        string kernel = Make(folder, "vmlinuz"), disk = Make(folder, "a disk.img"), other = Make(folder, "other.img");
        string text = $"""
            # a comment with kernel = "/none"
            name = "one" ; memory = 512
            kernel = '{kernel}'
            extra = "root=/dev/xvda # no comment"
            disk = [ 'file:{disk},xvda,w',
                     "format=raw, vdev=xvdb, access=ro, target={other}", # and one more
                     'phy:/dev/vda,xvdc,w' ]
            vif = [ '' ]

            """;

        GuestSegment guest = GuestConfiguration.Parse(text, "one.cfg", out int memory);

        Assert.Equal("one", guest.Name);
        Assert.Equal(512, memory);
        Assert.Equal([("0-vmlinuz", kernel), ("1-a disk.img", disk), ("2-other.img", other)], guest.Files);
        string expected = text.Replace($"'{kernel}'", "\"/guest/0-vmlinuz\"").Replace($"'file:{disk},xvda,w'", "\"file:/guest/1-a disk.img,xvda,w\"")
            .Replace(other, "/guest/2-other.img").Replace("'phy:/dev/vda,xvdc,w'", "\"phy:/dev/vda,xvdc,w\"");
        Assert.Equal(expected, guest.Configuration);
    }

    [Theory]
    [InlineData("name = \"x\"\nkernel = \"/no/such/file\"\n", "x.cfg:2: kernel names /no/such/file, which is not a file")]
    [InlineData("name = \"x\"\n\ndisk = [\n \"/no/disk,raw,xvda,rw\" ]\n", "x.cfg:4: disk names /no/disk, which is not a file")]
    [InlineData("name = \"x\"\ndisk = [ \"/dev/vda,vhd,xvda,rw\" ]\n", "x.cfg:2: disk \"/dev/vda,vhd,xvda,rw\" is neither a raw nor a qcow2 image")]
    [InlineData("name = \"x\"\nbootloader = \"pygrub\"\n", "x.cfg:2: bootloader = \"pygrub\" needs a program")]
    [InlineData("memory = 12\n", "x.cfg gives the guest no name")]
    [InlineData("name = \"x\nmemory = 1\n", "x.cfg:1: the text of name has no closing quote")]
    [InlineData("name = \"x\"\ndisk = [ \"a\",\n", "x.cfg:2: the list of disk has no closing bracket")]
    [InlineData("name \"x\"\n", "x.cfg:1: this is not of the form KEY = VALUE")]
    [InlineData("name =\n", "x.cfg:1: name has no value")]
    public void What_is_wrong_is_told_with_file_and_line(string text, string start)
    {
        LabException failure = Assert.Throws<LabException>(() => GuestConfiguration.Parse(text, "x.cfg", out _));
        Assert.StartsWith(start, failure.Message);
        Assert.Equal(ExitStatus.Usage, failure.Status);
    }

    [Theory]
    [InlineData("/dev/vda,qcow2,xvda,rw", "/dev/vda,qcow2,xvda,rw,backendtype=qdisk")]
    [InlineData("format=qcow2,vdev=xvda,target=/dev/vda", "backendtype=qdisk,format=qcow2,vdev=xvda,target=/dev/vda")]
    [InlineData("format=raw, backendtype=qdisk, vdev=xvda, target=/dev/vda", "format=raw, backendtype=qdisk, vdev=xvda, target=/dev/vda")]
    public void A_disk_that_the_kernel_cannot_serve_gets_our_backend(string disk, string expected)
    {
        GuestSegment guest = GuestConfiguration.Parse($"name = \"x\"\ndisk = [ \"{disk}\" ]\n", "x.cfg", out _);
        Assert.True(guest.UsesBackend);
        Assert.Equal($"name = \"x\"\ndisk = [ \"{expected}\" ]\ndevice_model_version = \"qemu-xen\"\ndevice_model_override = \"/usr/lib/xensharp/bin/xensharp-blkback\"\n", guest.Configuration);
    }

    [Theory]
    [InlineData("disk = [ \"/dev/vda,raw,xvda,rw\" ]\n")]
    [InlineData("device_model_override = \"/usr/bin/other\"\ndisk = [ \"backendtype=qdisk,format=qcow2,vdev=xvda,target=/dev/vda\" ]\n")]
    public void Other_guests_stay_as_they_are(string text)
    {
        GuestSegment guest = GuestConfiguration.Parse($"name = \"x\"\n{text}", "x.cfg", out _);
        Assert.False(guest.UsesBackend);
        Assert.Equal($"name = \"x\"\n{text}", guest.Configuration);
    }

    private static string Make(TemporaryFolder folder, string name)
    {
        File.WriteAllText(folder.File(name), name);
        return folder.File(name);
    }
}
