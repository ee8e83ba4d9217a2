// SPDX-License-Identifier: MIT
// xensharp-xenstored: the command line.

using System;
using System.IO;

namespace XenSharp.Xenstored;

internal static class Program
{
    private static int Main(string[] arguments)
    {
        string folder = Environment.GetEnvironmentVariable("XENSTORED_RUNDIR") ?? "/var/run/xenstored";
        string socket = Environment.GetEnvironmentVariable("XENSTORED_PATH") ?? Path.Combine(folder, "socket");
        Directory.CreateDirectory(Path.GetDirectoryName(socket)!);
        using Daemon daemon = new(new DaemonOptions { SocketPath = socket, Log = (level, text) => Console.Error.WriteLine($"xenstored: {level}: {text}") });
        daemon.Run();
        return arguments.Length < 0 ? 1 : 0;
    }
}
