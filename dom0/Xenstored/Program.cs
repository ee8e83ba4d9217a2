// SPDX-License-Identifier: MIT
// xensharp-xenstored: keeper and daemon are one program. The keeper is what is started; it starts the daemon with --serve.

using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime;
using System.Runtime.InteropServices;
using System.Threading;
using XenSharp.Control;
using XenSharp.Interop;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Xenstored;

internal static class Program
{
    private static int Main(string[] arguments)
    {
        try
        {
            Arguments line = Arguments.Parse(arguments);
            if (line.IsHelp)
            {
                Console.Error.Write(Arguments.Usage);
                return 0;
            }
            if (line.ServeDescriptor >= 0 || line.HasNoKeeper)
                return Serve(line);
            return line.IsForeground ? Keep(line) : Detach(arguments);
        }
        catch (FormatException failure)
        {
            Report(failure.Message);
            return 1;
        }
        catch (Exception failure) when (failure is IOException or HypercallException or StateException or UnauthorizedAccessException)
        {
            Report(failure.Message);
            return 1;
        }
    }

    private static string RunFolder => Environment.GetEnvironmentVariable("XENSTORED_RUNDIR") ?? "/var/run/xenstored";

    private static string SocketPath => Environment.GetEnvironmentVariable("XENSTORED_PATH") ?? Path.Combine(RunFolder, "socket");

    private static string StateFolderOf(Arguments line) => line.StateFolder ?? SocketPath + ".state";

    private static int Keep(Arguments line)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(SocketPath)!);
        if (line.PidFile is { } pidFile)
            File.WriteAllText(pidFile, $"{Environment.ProcessId}\n");
        if (line.PrintsPid)
            Console.WriteLine(Environment.ProcessId);
        // The daemon gets the terminal's signals too, and tells the keeper that it leaves. An order to the keeper alone ends both: its channel closes.
        Keeper keeper = new(SocketPath, [.. line.Forwarded, "--state-dir", StateFolderOf(line)], Report);
        using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            keeper.SignalDaemon();
        });
        return keeper.Run(() =>
        {
            if (line.IsBackground)
                Console.Out.WriteLine("ready");
        });
    }

    private static int Serve(Arguments line)
    {
        // What the daemon allocates while serving is little and short-lived; a collection visits little besides it.
        GCSettings.LatencyMode = GCLatencyMode.SustainedLowLatency;
        DaemonOptions options = new()
        {
            SocketPath = SocketPath,
            KeeperDescriptor = line.ServeDescriptor,
            StateFolder = line.HasNoKeeper && line.StateFolder is null ? null : StateFolderOf(line),
            Devices = !line.HasNoXen && File.Exists("/proc/xen/xsd_kva") ? () => new XenDevices() : null,
            IsTrial = line.IsTrial,
            KeepsOrphans = line.KeepsOrphans,
            TraceFile = line.TraceFile,
            Quotas = line.Quotas,
            SoftMemory = line.SoftMemory,
            MostStateFile = line.MostStateFile ?? JournalFile.MostBytes,
            MostLog = line.MostLog ?? DaemonOptions.UsualMostLog,
            Log = (level, text) => Report($"{(level == LogLevel.Information ? "" : level.ToString().ToLowerInvariant() + ": ")}{text}"),
        };
        if (line.HasNoKeeper)
            Directory.CreateDirectory(Path.GetDirectoryName(SocketPath)!);
        using Daemon daemon = new(options);
        bool isLeaving = false;
        using Waker waker = new(SocketPath);
        using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            daemon.ReopenLog = true;
        });
        Action<PosixSignalContext> leave = context =>
        {
            context.Cancel = true;
            isLeaving = true;
            daemon.Stop();
            waker.Wake();
        };
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, leave);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, leave);
        daemon.Run();
        daemon.Finish(isLeaving);
        return 0;
    }

    /// <summary>Starts the keeper in the background and returns when it serves.</summary>
    private static int Detach(string[] arguments)
    {
        using System.Diagnostics.Process keeper = ProgramLine.Own().StartDetached([.. arguments, "--no-fork", "--background"]);
        List<string> lines = [];
        while (keeper.StandardOutput.ReadLine() is { } text)
        {
            if (text == "ready")
                return 0;
            Console.WriteLine(text);
        }
        keeper.WaitForExit();
        return keeper.ExitCode;
    }

    private static void Report(string text)
    {
        try
        {
            Console.Error.WriteLine($"xenstored: {text}");
        }
        catch (IOException)
        {
            // Nobody reads it any more.
        }
    }

    /// <summary>Makes the daemon's loop turn once, by a client that comes and goes.</summary>
    private sealed class Waker(string path) : IDisposable
    {
        public void Wake()
        {
            try
            {
                UnixSocket.Close(UnixSocket.Connect(path));
            }
            catch (SystemFailure)
            {
                // Nobody listens: the loop has ended.
            }
        }

        public void Dispose()
        {
        }
    }
}
