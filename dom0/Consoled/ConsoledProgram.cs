// SPDX-License-Identifier: MIT
// xenconsoled: options, the way into the background, signals, and the end. Called by ConsoleTools.

using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using XenSharp.Control;
using XenSharp.XenstoreClient;

namespace XenSharp.Consoled;

internal static class ConsoledProgram
{
    private const int InvalidArgument = 22, NotPermitted = 1;

    /// <summary>Terminal, its other side and a log for every domain that there can be, and a thousand for the rest.</summary>
    private const ulong Descriptors = (0x7FF0 * 3) + 1000;

    private const string Ready = "ready";

    public static async Task<int> RunAsync(string name, string[] arguments)
    {
        DaemonOptions options;
        try
        {
            options = DaemonOptions.Parse(arguments);
        }
        catch (FormatException failure)
        {
            await Console.Error.WriteLineAsync($"{name}: {failure.Message}\nTry `{name} --help' for more information");
            return InvalidArgument;
        }
        if (options.IsHelp)
        {
            await Console.Out.WriteAsync(string.Format(CultureInfo.InvariantCulture, DaemonOptions.Usage, name));
            return 0;
        }
        if (options.IsVersion)
        {
            await Console.Out.WriteLineAsync("Xen Console Daemon 3.0");
            return 0;
        }
        if (!Environment.IsPrivilegedProcess)
        {
            await Console.Error.WriteLineAsync($"{name} requires root to run.");
            return NotPermitted;
        }
        return options.IsInteractive || options.IsBackground ? await ServeAsync(options) : Detach(name, arguments);
    }

    private static async Task<int> ServeAsync(DaemonOptions options)
    {
        using SystemLog log = new("xenconsoled", options.IsVerbose || options.IsInteractive || options.IsBackground);
        options.Report = log.Report;
        try
        {
            using FileStream? pidFile = options.IsBackground ? TakePidFile(options.PidFile) : null;
            if (!XenSharp.Interop.Descriptors.TryRaiseLimit(Descriptors))
                log.Report("the limit of open files cannot be raised; consoles of many domains may not find room");
            await using XenstoreConnection xenstore = await XenstoreConnection.ConnectAsync();
            using XenConsoleHost host = new();
            using ConsoleLoop loop = new(host, options);
            using CancellationTokenSource ending = new();
            using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
            {
                context.Cancel = true;
                loop.Post(loop.ReopenLogs);
            });
            Action<PosixSignalContext> end = context =>
            {
                context.Cancel = true;
                ending.Cancel();
            };
            using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, end);
            using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, end);
            return await ServeAsync(xenstore, host, loop, options, ending.Token);
        }
        catch (Exception failure) when (failure is IOException or SocketException or XenstoreException or HypercallException or UnauthorizedAccessException)
        {
            log.Report(failure is SocketException ? $"xenstore cannot be reached: {failure.Message}; is xenstored running?" : failure.Message);
            return 1;
        }
    }

    /// <summary>With the loop on a thread of its own, until cancellation.</summary>
    internal static async Task<int> ServeAsync(XenstoreConnection xenstore, ConsoleHost host, ConsoleLoop loop, DaemonOptions options, CancellationToken cancellation)
    {
        TaskCompletionSource loopEnd = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Thread thread = new(() =>
        {
            try
            {
                loop.Run();
                loopEnd.SetResult();
            }
            catch (Exception failure) when (failure is IOException or InvalidOperationException)
            {
                loopEnd.SetException(failure);
            }
        }) { Name = "consoles" };
        thread.Start();
        ConsoleService service = new(xenstore, host, loop, options);
        try
        {
            Task serving = service.RunAsync(() =>
            {
                if (!options.IsBackground)
                    return;
                Console.Out.WriteLine(Ready);
                XenSharp.Interop.Descriptors.LeaveTerminal();
            }, cancellation);
            await await Task.WhenAny(serving, loopEnd.Task);
        }
        catch (OperationCanceledException)
        {
            // The end that was asked for.
        }
        finally
        {
            loop.Stop();
            thread.Join();
        }
        return 0;
    }

    /// <summary>Starts the daemon in a session of its own and returns when it serves.</summary>
    private static int Detach(string name, string[] arguments)
    {
        string file = Environment.ProcessPath!;
        string[] own = Path.GetFileNameWithoutExtension(file) == "dotnet" ? [file, Environment.GetCommandLineArgs()[0]] : [file];
        ProcessStartInfo start = new("setsid", [.. own, "xenconsoled", .. arguments, "--background"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            WorkingDirectory = "/",
        };
        using Process daemon = Process.Start(start)!;
        daemon.StandardInput.Close();
        if (daemon.StandardOutput.ReadLine() == Ready)
            return 0;
        daemon.WaitForExit();
        Console.Error.WriteLine($"{name}: the daemon ended with status {daemon.ExitCode}");
        return daemon.ExitCode == 0 ? 1 : daemon.ExitCode;
    }

    /// <summary>Held while the daemon lives, so that there is one only.</summary>
    private static FileStream TakePidFile(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        try
        {
            FileStream file = new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            file.SetLength(0);
            file.Write(System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n")));
            file.Flush();
            return file;
        }
        catch (IOException failure) when (File.Exists(path))
        {
            throw new IOException($"another xenconsoled is running ({path} is locked): {failure.Message}", failure);
        }
    }
}
