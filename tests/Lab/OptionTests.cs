// SPDX-License-Identifier: MIT
// The launcher's command line as users meet it: a wrong option or value ends with status 2 and one sentence that names it.

using System.Diagnostics;
using System.IO;
using XenSharp.Lab.Common;
using Xunit;

namespace XenSharp.Tests.Lab;

public class OptionTests
{
    [Theory]
    [InlineData("run --cpu 2", "--cpu")]
    [InlineData("run --cpus 0", "\"0\"")]
    [InlineData("run --cpus many", "\"many\"")]
    [InlineData("run --memory 1", "--memory")]
    [InlineData("run --timeout soon", "\"soon\"")]
    [InlineData("run --exec", "--exec")]
    [InlineData("run --kernel /no/such/kernel", "/no/such/kernel")]
    [InlineData("run --hypervisor /no/such/file", "/no/such/file")]
    [InlineData("run --disk /no/such/disk", "/no/such/disk")]
    [InlineData("run --multiboot1", "--multiboot1")]
    [InlineData("run --ramdisk none --exec true", "--ramdisk")]
    [InlineData("test everything", "\"everything\"")]
    [InlineData("frobnicate", "frobnicate")]
    public void A_wrong_option_is_named(string arguments, string culprit)
    {
        (int status, string output, string errors) = Launch(arguments);

        Assert.Equal(ExitStatus.Usage, status);
        Assert.Empty(output);
        Assert.Contains(culprit, errors);
        Assert.Single(errors.Trim().Split('\n'));
    }

    [Theory]
    [InlineData("help", "symbolize")]
    [InlineData("help run", "--dom0-memory")]
    [InlineData("run --help", "--gdb")]
    [InlineData("iso --help", "--output")]
    public void Help_tells_the_options(string arguments, string expected)
    {
        (int status, string output, _) = Launch(arguments);

        Assert.Equal(0, status);
        Assert.Contains(expected, output);
    }

    private static (int Status, string Output, string Errors) Launch(string arguments)
    {
        ProcessStartInfo start = new("dotnet", [Path.Combine(System.AppContext.BaseDirectory, "xensharp.dll"), .. arguments.Split(' ')])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        // The hypervisor's file is not what these tests are about; any file will do.
        start.Environment["XENSHARP_HYPERVISOR"] = typeof(OptionTests).Assembly.Location;
        using Process launcher = Process.Start(start)!;
        launcher.StandardInput.Close();
        System.Threading.Tasks.Task<string> errors = launcher.StandardError.ReadToEndAsync();
        string output = launcher.StandardOutput.ReadToEnd();
        launcher.WaitForExit();
        return (launcher.ExitCode, output, errors.Result);
    }
}
