// SPDX-License-Identifier: MIT
// Debian's QEMU in dom0 as a backend of Debian's unmodified xl: a directory by 9pfs and a qcow2 disk. Of level long.

using System;
using System.IO;
using System.Linq;
using XenSharp.Lab.Common;
using XenSharp.Lab.Packages;
using XenSharp.Lab.Ramdisk;
using Xunit;

namespace XenSharp.Tests.EndToEnd;

public class DeviceModelTests
{
    private const string Program = "usr/libexec/xen-qemu-system-i386";
    private const string Keymap = "usr/share/qemu/keymaps/en-us";

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(15);

    // The cloud kernel has no 9p.
    private static readonly string[] s_modules = ["9pnet_xen", "9p", "xen-blkfront"];

    private const string Devices = """
        memory = 192
        p9 = [ "tag=share,security_model=none,path=/guest/shared" ]
        disk = [ "format=qcow2,vdev=xvda,access=rw,target=/guest/shares.qcow2" ]
        """;

    private const string Script = """
        mount -t 9p -o trans=xen,version=9p2000.L share /mnt && echo "shared: $(cat /mnt/word)"
        dd if=/dev/urandom of=/mnt/big bs=64k count=64 2> /dev/null
        md5sum < /mnt/big > /mnt/big.sum
        dd if=/mnt/big of=/dev/xvda bs=64k conv=fsync 2> /dev/null
        echo 3 > /proc/sys/vm/drop_caches
        dd if=/dev/xvda bs=64k count=64 2> /dev/null | md5sum | cmp - /mnt/big.sum && echo "disk: same"
        umount /mnt
        """;

    [Fact]
    [Trait("Level", "long")]
    public void Qemu_serves_a_directory_and_a_qcow2_disk()
    {
        string output = GuestMachine.RunScript(GuestMachine.Steps("qemu.txt"), s_limit, extra: [DeviceModel(), Guest()]);
        string[] statuses = output.Split('\n').Where(line => line.StartsWith("-- status ", StringComparison.Ordinal)).ToArray();
        Assert.True(statuses.All(line => line == "-- status 0"), output);
        Assert.Equal(GuestMachine.Steps("qemu.txt").Count, statuses.Length);
    }

    internal static byte[] DeviceModel()
    {
        PackageFiles files = new("qemu-system-xen");
        files.AddProgram(Program);
        CpioWriter archive = new();
        foreach ((string path, string source, bool isProgram) in files.Files)
            archive.AddFile(path, File.ReadAllBytes(source), isProgram);
        archive.AddFile(Keymap, File.ReadAllBytes(Path.Combine(AptArchive.Obtain("qemu-system-data").Folder, Keymap)));
        return archive.Finish();
    }

    internal static byte[] Guest()
    {
        using TemporaryFolder folder = new();
        string disk = folder.File("disk.qcow2");
        ProgramResult made = HostProgram.Capture("qemu-img", ["create", "-q", "-f", "qcow2", disk, "16M"]);
        Assert.True(made.Succeeded, made.Errors);
        CpioWriter archive = new();
        new BusyboxGuest("shares", "linux-image-amd64", s_modules, Script).AddTo(archive, Devices);
        archive.AddFile("guest/shares.qcow2", File.ReadAllBytes(disk));
        archive.AddFile("guest/shared/word", "from dom0\n");
        return archive.Finish();
    }
}
