// SPDX-License-Identifier: MIT
// The process that waits in the background for a domain's end, with its log in /var/log/xen/xl-NAME.log. Started by create; a tool of its own by its name.

using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Configuration;
using XenSharp.Control;
using XenSharp.Interop;
using XenSharp.Toolstack;
using XenSharp.XenstoreClient;
using XenSharp.Xl.Frame;

namespace XenSharp.Xl.Commands;

public static class MonitorProgram
{
    public const string Name = "xl-monitor";

    private const string LogFolder = "/var/log/xen";
    private const int KeptLogs = 10;
    private const int PatienceSeconds = 120;

    /// <param name="arguments">The domain's id.</param>
    public static async Task<int> RunAsync(string name, string[] arguments)
    {
        if (arguments is not [string word] || !ushort.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out ushort domain))
        {
            await Console.Error.WriteLineAsync($"usage: {name} DOMAIN-ID").ConfigureAwait(false);
            return 2;
        }
        await using Host host = new();
        if (!host.Hypervisor.TryGetDomain(domain, out DomctlGetDomainInfo info) || UserData.ReadConfiguration(domain, Hypervisor.ToGuid(info.Handle)) is not { } configuration)
        {
            await Console.Error.WriteLineAsync($"{name}: there is no record of domain {domain}").ConfigureAwait(false);
            return 1;
        }
        Processes.Detach(NewLog($"xl-{configuration.CreateInfo.Name}"));
        while (true)
        {
            try
            {
                await using Host connected = await ConnectedAsync().ConfigureAwait(false);
                await WatchAsync(connected, domain, configuration, Console.WriteLine).ConfigureAwait(false);
                return 0;
            }
            catch (StoreLostException lost)
            {
                Console.WriteLine(lost.Message);
                (domain, configuration) = (lost.Domain, lost.Configuration);
            }
            catch (Exception failure) when (failure is ToolstackException or HypercallException or IOException or XenstoreException or XlException)
            {
                Console.WriteLine(failure.Message);
                return 1;
            }
        }
    }

    /// <summary>A daemon that has ended may be started again; a guest outlives it, and so do those who wait for the guest's end.</summary>
    private static async Task<Host> ConnectedAsync()
    {
        for (int seconds = 0; ; seconds++)
        {
            Host host = new();
            try
            {
                await host.ConnectionAsync().ConfigureAwait(false);
                return host;
            }
            catch (XlException) when (seconds < PatienceSeconds)
            {
                await host.DisposeAsync().ConfigureAwait(false);
                await Task.Delay(1000).ConfigureAwait(false);
            }
        }
    }

    internal static async Task WatchAsync(Host host, ushort domain, DomainConfiguration configuration, Action<string> log)
    {
        XenstoreConnection store = await host.ConnectionAsync().ConfigureAwait(false);
        await new DomainMonitor(host.Hypervisor, store, new DomainToolstack(host.Hypervisor, store), log).RunAsync(domain, configuration).ConfigureAwait(false);
    }

    /// <summary>Starts the process for a domain. The task ends when it has a session of its own, so that the end of the caller's, or of its terminal, does not end it.</summary>
    internal static async Task BeginAsync(ushort domain)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!, [Name, $"{domain}"]) { UseShellExecute = false, RedirectStandardOutput = true };
        using Process monitor = Process.Start(start) ?? throw new XlException($"{Name} was not started");
        // Its output goes to the log from then on, which ends the pipe.
        await monitor.StandardOutput.ReadToEndAsync().ConfigureAwait(false);
    }

    /// <summary>Starts another tool of this program.</summary>
    internal static Process Start(string tool, params string[] arguments) =>
        Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [tool, .. arguments]) { UseShellExecute = false }) ?? throw new XlException($"{tool} was not started");

    /// <summary>A path for a new log; what is there is kept under numbers, as libxl_create_logfile does.</summary>
    private static string NewLog(string name)
    {
        Directory.CreateDirectory(LogFolder);
        string path = $"{LogFolder}/{name}.log";
        if (!File.Exists(path))
            return path;
        for (int number = KeptLogs - 1; number > 0; number--)
        {
            if (File.Exists($"{path}.{number}"))
                File.Move($"{path}.{number}", $"{path}.{number + 1}", overwrite: true);
        }
        File.Move(path, $"{path}.1", overwrite: true);
        return path;
    }
}
