// SPDX-License-Identifier: MIT
// Debian's Linux as dom0, through the launcher as users run it and through the library: three boots.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using XenSharp.Lab.Machine;
using XenSharp.Lab.Ramdisk;
using Xunit;

namespace XenSharp.Tests.Boot;

public class Dom0Tests
{
    private const int MildestLevel = 4;    // KERN_WARNING of Linux

    [Fact]
    public void A_command_runs_on_one_cpu_and_its_output_errors_and_status_come_back()
    {
        const string Facts = "cat /sys/hypervisor/type /sys/hypervisor/version/major /sys/hypervisor/version/minor; nproc; ls /proc/xen/privcmd; lsmod | grep -c ^xen";
        const string Noise = "dd if=/dev/urandom of=/run/noise bs=1000 count=300 2> /dev/null; cat /run/noise";
        (int status, byte[] output, string errors) = StandardMachine.Launch("run", "--exec", $"{Facts}; {Noise}; md5sum < /run/noise >&2; dmesg -r >&2; exit 7");

        Assert.True(status == 7, $"status {status}\n{errors}");
        string[] lines = Encoding.Latin1.GetString(output).Split('\n');
        Assert.Equal(["xen", "4", "17", "1", "/proc/xen/privcmd", "5"], lines[..6]);
        byte[] noise = output[^300_000..];
        Assert.Contains(Convert.ToHexStringLower(MD5.HashData(noise)), errors);
        Assert.Equal(lines[..6].Sum(line => line.Length + 1), output.Length - noise.Length);
        AssertNothingUnknownIn(errors);
    }

    [Fact]
    public void Two_cpus_come_up_from_an_unpacked_kernel_and_the_second_goes_down_and_up_again()
    {
        const string Online = "/sys/devices/system/cpu/cpu1/online";
        string kernel = Dom0Image.FromDebian().UnpackedKernel();
        Dom0Result result = StandardMachine.Run(
            $"nproc; echo 0 > {Online}; nproc; echo 1 > {Online}; nproc; dmesg -r >&2",
            machine => machine with { Cpus = 2, Modules = [machine.Modules[0] with { Path = kernel }, machine.Modules[1]] });

        Assert.Equal("2\n1\n2\n", result.Text);
        Assert.Equal(0, result.Status);
        AssertNothingUnknownIn(result.Errors);
    }

    [Fact]
    public void Four_cpus_come_up_from_the_grub_image()
    {
        (int status, byte[] output, string errors) = StandardMachine.Launch("run", "--iso", "--cpus", "4", "--exec", "nproc; cat /sys/hypervisor/type");

        Assert.True(status == 0, $"status {status}\n{errors}");
        Assert.Equal("4\nxen\n", Encoding.UTF8.GetString(output));
    }

    /// <summary>Every warning and error in dom0's log (<c>dmesg -r</c>) is one that real Xen's dom0 has too.</summary>
    private static void AssertNothingUnknownIn(string log)
    {
        Regex[] known = File.ReadLines(TestKernel.Golden("dom0-warnings.txt")).Where(line => !line.StartsWith('#')).Select(line => new Regex($"^{line}$")).ToArray();
        List<string> messages = Regex.Matches(log, @"^<(\d+)>\[ *[\d.]+\] (.*?)\r?$", RegexOptions.Multiline)
            .Where(match => int.Parse(match.Groups[1].Value) % 8 <= MildestLevel).Select(match => match.Groups[2].Value).ToList();

        Assert.NotEmpty(messages);
        Assert.All(messages, message => Assert.Contains(known, pattern => pattern.IsMatch(message)));
    }
}
