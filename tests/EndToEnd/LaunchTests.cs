// SPDX-License-Identifier: MIT
// What a newcomer does: clones, and types ./xensharp run on a terminal. The clone is fresh, but for Debian's packages, which it finds in our cache. Level long.

using System;
using System.IO;
using XenSharp.Lab.Common;
using XenSharp.Lab.Guests;
using Xunit;

namespace XenSharp.Tests.EndToEnd;

[Trait("Level", "long")]
public sealed class LaunchTests : IDisposable
{
    /// <summary>The first wait spans the build of everything.</summary>
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(9);

    private readonly TemporaryFolder _folder = new();

    public LaunchTests()
    {
        ProgramResult cloned = HostProgram.Capture("git", ["clone", "-q", Repository.Root, Clone]);
        Assert.True(cloned.Succeeded, cloned.Errors);
        Directory.CreateDirectory(Path.Combine(Clone, "out"));
        File.CreateSymbolicLink(Path.Combine(Clone, "out", "cache"), Repository.Cache);
    }

    private string Clone => _folder.File("clone");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_clean_clone_runs_the_sample_guest_on_a_terminal()
    {
        using TerminalProgram run = new("./xensharp run", Clone);
        run.WaitFor(@"^sample +1 +160 +1 ", s_limit);
        run.WaitFor("dom0:/root# ", s_limit);
        run.Send("xl console sample\r");
        run.WaitFor("guest: sample is up", s_limit);
        run.WaitFor("sample:/root# ", s_limit);
        run.Send("printf 'GET /index.html HTTP/1.0\\r\\n\\r\\n' | nc 10.77.0.2 80 | tr a-z A-Z\r");
        run.WaitFor("HELLO FROM THE SAMPLE GUEST", s_limit);
        run.Send("\u001d");
        run.WaitFor("dom0:/root# ", s_limit);
        run.Send("\u0001\u0001\u0001");
        run.WaitFor("Serial input to Xen", s_limit);
        run.Send("\u0001\u0001\u0001");
        run.WaitFor("Serial input to DOM0", s_limit);
        run.Send("xl destroy sample; xl list | wc -l; poweroff -f\r");
        run.WaitFor("the machine has ended", s_limit);
        Assert.Equal(0, run.WaitForEnd(s_limit));
    }

    [Fact]
    public void A_clean_clone_runs_a_guest_of_ones_own()
    {
        string own = OwnFiles();
        string configuration = Path.Combine(own, "my.cfg");
        File.WriteAllText(configuration, """
            name = "mine"
            type = "pvh"
            kernel = "vmlinuz"
            ramdisk = "initrd"
            extra = "console=hvc0 quiet root=/dev/xvda name=mine address=10.77.0.9"
            memory = 192
            vcpus = 2
            disk = [ "format=raw,vdev=xvda,access=rw,target=root,1.img" ]
            vif = [ "bridge=xenbr0" ]

            """);
        using TerminalProgram run = new($"./xensharp run --guest '{configuration}'", Clone);
        // Its kernel may not have started its second vCPU yet.
        run.WaitFor(@"^mine +1 +192 +[12] ", s_limit);
        run.WaitFor("dom0:/root# ", s_limit);
        run.Send("until ping -c 1 -W 1 10.77.0.9; do :; done\r");
        run.WaitFor("1 packets received", s_limit);
        run.Send("xl console mine\r");
        run.WaitFor("mine:/root# ", s_limit);
        run.Send("nproc | sed s/^/processors:/\r");
        run.WaitFor("^processors:2", s_limit);
        run.Send("\u001c");
        run.WaitFor(@"the machine was ended by Ctrl-\\", s_limit);
        Assert.Equal(0, run.WaitForEnd(s_limit));
    }

    [Fact]
    public void A_clean_clone_runs_a_kernel_with_a_ramdisk_and_a_disk()
    {
        string own = OwnFiles();
        const string Command = "until grep -o root.on./dev/xvda /var/log/xen/console/guest-guest.log; do usleep 200000; done; xl list; ping -c 3 10.77.0.9";
        using TerminalProgram run = new(
            $"./xensharp run --guest-kernel '{own}/vmlinuz' --guest-ramdisk '{own}/initrd' --guest-disk '{own}/root,1.img' --guest-memory 200 --guest-args 'quiet address=10.77.0.9' --exec '{Command}'", Clone);
        run.WaitFor("^root on /dev/xvda", s_limit);
        run.WaitFor("^guest +1 +200 +1 ", s_limit);
        run.WaitFor("3 packets received", s_limit);
        Assert.Equal(0, run.WaitForEnd(s_limit));
    }

    /// <summary>A folder with kernel, ramdisk and disk; the names need care.</summary>
    private string OwnFiles()
    {
        SampleGuest sample = SampleGuest.Obtain();
        string own = Directory.CreateDirectory(_folder.File("my guest")).FullName;
        File.Copy(sample.Kernel, Path.Combine(own, "vmlinuz"));
        File.Copy(sample.Ramdisk, Path.Combine(own, "initrd"));
        File.Copy(sample.Disk, Path.Combine(own, "root,1.img"));
        return own;
    }
}
