// SPDX-License-Identifier: MIT
// console and top: commands that another program does, on this terminal. Rows of CommandTable.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading.Tasks;
using XenSharp.Xl.Frame;
using static XenSharp.Xl.Frame.Option;

namespace XenSharp.Xl.Commands;

internal static class Programs
{
    private const int NotFound = 127;

    /// <summary>Where programs may be that are not on everybody's path.</summary>
    private static readonly string[] s_privateFolders = ["/usr/lib/xen/bin", "/usr/lib/xen-4.17/bin", "/usr/libexec/xen/bin"];

    public static Command Console { get; } = new("console", "Connect this terminal to a domain's console", "[options] <Domain>", async call =>
    {
        string type = call.Options.Value("t") ?? "pv";
        if (type is not ("pv" or "serial" or "vuart"))
            throw new XlException("console type supported are: pv, serial, vuart");
        int domain = await call.DomainAsync().ConfigureAwait(false);
        long number = Invocation.LeadingNumber(call.Options.Value("n") ?? "0");
        int status = await RunAsync(call, "xenconsole", $"{domain}", "--num", $"{number}", "--type", type).ConfigureAwait(false);
        return status == NotFound ? throw new XlException("Unable to attach console") : status;
    })
    {
        RequiredWords = 1,
        Options = [Value('t', "TYPE", "Which console: pv, serial or vuart."), Value('n', "NUMBER", "The console's number.")],
        Notes = "Ctrl-] leaves the console.",
    };

    public static Command Top { get; } = new("top", "Watch the machine and its domains", "", call => RunAsync(call, "xentop"));

    /// <summary>Runs a program on this terminal until it ends; its exit code.</summary>
    private static async Task<int> RunAsync(Invocation call, string program, params string[] arguments)
    {
        call.Output.Flush();
        string? path = Find(program);
        if (path is null)
        {
            call.Error.Write($"{program}: there is no such program\n");
            return NotFound;
        }
        // The keys that interrupt are the program's, not ours.
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = true);
        using PosixSignalRegistration quit = PosixSignalRegistration.Create(PosixSignal.SIGQUIT, signal => signal.Cancel = true);
        using Process process = Process.Start(new ProcessStartInfo(path, arguments))!;
        await process.WaitForExitAsync().ConfigureAwait(false);
        return process.ExitCode;
    }

    private static string? Find(string program)
    {
        // Ours is beside this program, under its own name.
        IEnumerable<string> folders = [Path.GetDirectoryName(Environment.ProcessPath) ?? "", .. s_privateFolders, .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'), "/usr/sbin", "/usr/bin"];
        return folders.Where(folder => folder.Length > 0).Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
    }
}
