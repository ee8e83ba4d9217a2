// SPDX-License-Identifier: MIT
// A daemon with its keeper as real processes, in a folder of its own. XENSHARP_XENSTORED names another program than the one that was built.

using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Threading;
using XenSharp.Interop;

namespace XenSharp.Tests.Xenstore.Live;

internal sealed class DaemonProcess : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xs").FullName;
    private readonly Process _keeper;

    public DaemonProcess(params string[] options)
    {
        string? program = Environment.GetEnvironmentVariable("XENSHARP_XENSTORED");
        string library = Path.Combine(AppContext.BaseDirectory, "xensharp-xenstored.dll");
        ProcessStartInfo start = program is null ? new("dotnet", [library, "-N", "-D", .. options]) : new(program, ["-N", "-D", .. options]);
        start.Environment["XENSTORED_PATH"] = SocketPath;
        start.RedirectStandardError = true;
        start.RedirectStandardOutput = true;
        _keeper = Process.Start(start)!;
        _keeper.ErrorDataReceived += (_, line) =>
        {
            lock (Log)
            {
                Log.WriteLine(line.Data);
                Monitor.PulseAll(Log);
            }
        };
        _keeper.BeginErrorReadLine();
        for (int wait = 0; !Listens(); wait++)
        {
            if (_keeper.HasExited)
                _keeper.WaitForExit();      // For the rest of what it says.
            if (wait == 3000 || _keeper.HasExited)
                throw new InvalidOperationException($"The daemon does not start: {Log}");
            Thread.Sleep(10);
        }
    }

    public StringWriter Log { get; } = new();

    /// <summary>Returns when the daemons have said that so many times.</summary>
    public void WaitForLog(string text, int times)
    {
        lock (Log)
        {
            while (Log.ToString().Split(text).Length - 1 < times)
            {
                if (!Monitor.Wait(Log, 30_000))
                    throw new TimeoutException($"\"{text}\" was not said {times} times: {Log}");
            }
        }
    }

    public string SocketPath => Path.Combine(_folder, "socket");

    public string StateFolder => SocketPath + ".state";

    public int KeeperId => _keeper.Id;

    /// <summary>The number of the daemon that the keeper has now; 0 if it has none at this moment.</summary>
    public int DaemonId
    {
        get
        {
            foreach (string task in Directory.GetDirectories($"/proc/{_keeper.Id}/task"))
            {
                string children = File.ReadAllText(Path.Combine(task, "children")).Trim();
                if (children.Length > 0)
                    return int.Parse(children.Split(' ')[0], CultureInfo.InvariantCulture);
            }
            return 0;
        }
    }

    private bool Listens()
    {
        if (!File.Exists(SocketPath))
            return false;
        try
        {
            UnixSocket.Close(UnixSocket.Connect(SocketPath));
            return true;
        }
        catch (SystemFailure)
        {
            return false;       // It has its name already, and does not listen yet.
        }
    }

    /// <summary>The keeper's exit status.</summary>
    public int WaitForEnd()
    {
        _keeper.WaitForExit();
        return _keeper.ExitCode;
    }

    public bool KillDaemon()
    {
        int id = DaemonId;
        return id != 0 && Processes.Signal(id, Processes.Kill);
    }

    public void Dispose()
    {
        int daemon = _keeper.HasExited ? 0 : DaemonId;
        Processes.Signal(_keeper.Id, Processes.Kill);
        _keeper.WaitForExit();
        if (daemon != 0)
            Processes.Signal(daemon, Processes.Kill);
        _keeper.Dispose();
        try
        {
            Directory.Delete(_folder, recursive: true);
        }
        catch (IOException)
        {
            // The daemon's last breath; the folder is a temporary one.
        }
    }
}
