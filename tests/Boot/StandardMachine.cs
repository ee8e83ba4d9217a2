// SPDX-License-Identifier: MIT
// The standard machine as boot tests use it: with Linux and our ramdisk, with any other kernel, or through the launcher.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Threading.Tasks;
using XenSharp.Lab.Common;
using XenSharp.Lab.Exec;
using XenSharp.Lab.Machine;
using XenSharp.Lab.Ramdisk;

namespace XenSharp.Tests.Boot;

/// <summary>What a command in dom0 left, and the console that it ran beside.</summary>
internal sealed record Dom0Result(int Status, byte[] Output, string Errors, string Console)
{
    public string Text => Encoding.UTF8.GetString(Output);
}

internal static class StandardMachine
{
    public const string HypervisorArguments = "console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all dom0=pvh dom0_mem=512M";

    /// <summary>Far more than the slowest boot takes on a busy host.</summary>
    public static readonly TimeSpan BootTimeout = TimeSpan.FromSeconds(240);

    /// <summary>A machine with any file as dom0's kernel, and no ramdisk.</summary>
    public static MachineConfiguration WithKernel(string kernel, string furtherArguments = "") => new()
    {
        Hypervisor = Repository.Hypervisor,
        HypervisorArguments = $"{HypervisorArguments} {furtherArguments}".TrimEnd(),
        Modules = [new BootModule(kernel, "console=hvc0")],
    };

    /// <summary>A machine with Debian's Linux and our ramdisk, joined with a session written to <paramref name="folder"/>.</summary>
    public static MachineConfiguration WithLinux(TemporaryFolder folder, byte[] session)
    {
        Dom0Image dom0 = Dom0Image.FromDebian();
        string ramdisk = folder.File("ramdisk");
        File.WriteAllBytes(ramdisk, [.. File.ReadAllBytes(dom0.Ramdisk!), .. session]);
        return WithKernel(dom0.Kernel) with { Modules = [new BootModule(dom0.Kernel, "console=hvc0"), new BootModule(ramdisk)] };
    }

    /// <summary>Boots Linux, runs a command in it and ends the machine.</summary>
    public static Dom0Result Run(string command, Func<MachineConfiguration, MachineConfiguration>? change = null)
    {
        using TemporaryFolder folder = new();
        string token = SessionSegment.NewToken();
        string log = folder.File("console");
        MachineConfiguration machine = WithLinux(folder, SessionSegment.ForCommand(command, token)) with { LogFile = log };
        using MemoryStream output = new();
        using MemoryStream errors = new();
        int status = new ExecSession(token, output, errors).Run(change is null ? machine : change(machine));
        return new Dom0Result(status, output.ToArray(), Encoding.UTF8.GetString(errors.ToArray()), File.ReadAllText(log, Encoding.Latin1));
    }

    /// <summary>Runs ./xensharp as a user does.</summary>
    public static (int Status, byte[] Output, string Errors) Launch(params IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(Repository.Launcher, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        using Process launcher = Process.Start(start)!;
        launcher.StandardInput.Close();
        Task<string> errors = launcher.StandardError.ReadToEndAsync();
        using MemoryStream output = new();
        launcher.StandardOutput.BaseStream.CopyTo(output);
        launcher.WaitForExit();
        return (launcher.ExitCode, output.ToArray(), errors.Result);
    }
}
