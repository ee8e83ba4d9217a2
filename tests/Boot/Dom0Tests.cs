// SPDX-License-Identifier: MIT
// Debian's Linux as dom0, through the launcher as users run it: three boots.

using System;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using Xunit;

namespace XenSharp.Tests.Boot;

public class Dom0Tests
{
    [Fact]
    public void A_command_runs_on_one_cpu_and_its_output_errors_and_status_come_back()
    {
        const string Facts = "cat /sys/hypervisor/type /sys/hypervisor/version/major /sys/hypervisor/version/minor; nproc; ls /proc/xen/privcmd; lsmod | grep -c ^xen";
        const string Noise = "dd if=/dev/urandom of=/run/noise bs=1000 count=300 2> /dev/null; cat /run/noise";
        (int status, byte[] output, string errors) = StandardMachine.Launch("run", "--exec", $"{Facts}; {Noise}; md5sum < /run/noise >&2; exit 7");

        Assert.True(status == 7, $"status {status}\n{errors}");
        string[] lines = Encoding.Latin1.GetString(output).Split('\n');
        Assert.Equal(["xen", "4", "17", "1", "/proc/xen/privcmd", "5"], lines[..6]);
        byte[] noise = output[^300_000..];
        Assert.Contains(Convert.ToHexStringLower(MD5.HashData(noise)), errors);
        Assert.Equal(lines[..6].Sum(line => line.Length + 1), output.Length - noise.Length);
    }

    [Fact]
    public void Two_cpus_come_up_and_the_second_goes_down_and_up_again()
    {
        const string Online = "/sys/devices/system/cpu/cpu1/online";
        Dom0Result result = StandardMachine.Run($"nproc; echo 0 > {Online}; nproc; echo 1 > {Online}; nproc", machine => machine with { Cpus = 2 });

        Assert.Equal("2\n1\n2\n", result.Text);
        Assert.Equal("", result.Errors);
        Assert.Equal(0, result.Status);
    }

    [Fact]
    public void Four_cpus_come_up_from_the_grub_image()
    {
        (int status, byte[] output, string errors) = StandardMachine.Launch("run", "--iso", "--cpus", "4", "--exec", "nproc; cat /sys/hypervisor/type");

        Assert.True(status == 0, $"status {status}\n{errors}");
        Assert.Equal("4\nxen\n", Encoding.UTF8.GetString(output));
    }
}
