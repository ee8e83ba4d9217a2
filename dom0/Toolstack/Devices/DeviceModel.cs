// SPDX-License-Identifier: MIT
// The program in dom0 that serves a PVH guest's qdisk disks: QEMU, or what device_model_override names. libxl_dm.c of Xen 4.17. Used by DomainCreation.

using System;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using XenSharp.Configuration;
using XenSharp.Interop;
using XenSharp.Toolstack.Store;
using XenSharp.XenstoreClient;

namespace XenSharp.Toolstack.Devices;

internal static class DeviceModel
{
    private const string RunFolder = "/var/run/xen", LogFolder = "/var/log/xen";

    /// <summary>Where Debian's package qemu-system-xen has it, where Xen's own build has it, and any other with Xen's backends.</summary>
    private static readonly string[] s_programs = ["/usr/libexec/xen-qemu-system-i386", "/usr/lib/xen/bin/qemu-system-i386", "/usr/bin/qemu-system-i386"];

    private const string ConsoleLimit = "1048576";      // LIBXL_XENCONSOLE_LIMIT

    private static readonly TimeSpan s_startTime = TimeSpan.FromSeconds(60), s_endTime = TimeSpan.FromSeconds(5);

    /// <summary>Starts it and waits until it says that it runs.</summary>
    public static async Task StartAsync(XenstoreConnection store, int domain, DomainConfiguration configuration)
    {
        string program = configuration.BuildInfo.DeviceModel ?? Array.Find(s_programs, File.Exists) ?? s_programs[0];
        if (!File.Exists(program))
            throw new ToolstackException($"the domain's devices (qdisk, p9, channel, vfb, vkb) need the device model {program}, which is not there (install QEMU for Xen, or name a program with device_model_override)");
        string name = configuration.CreateInfo.Name ?? $"{domain}";
        XenstoreView view = store.Store;
        string states = $"/local/domain/0/device-model/{domain}";
        await view.WriteAsync(states, "").ConfigureAwait(false);
        await view.SetPermissionsAsync(states, [new('n', 0)]).ConfigureAwait(false);
        Directory.CreateDirectory(RunFolder);
        string log = Path.Combine(LogFolder, $"qemu-dm-{name}.log");
        string[] words = [program, .. ModelArguments.Of(domain, name, configuration, RunFolder)];
        // A shell that gives itself up for the program: a session and a log of its own, and no terminal.
        ProcessStartInfo start = new("/bin/sh", ["-c", "exec \"$@\" < /dev/null >> \"$DM_LOG\" 2>&1", "sh", .. words]) { UseShellExecute = false };
        start.Environment["DM_LOG"] = log;
        start.Environment["XEN_QEMU_CONSOLE_LIMIT"] = ConsoleLimit;
        try
        {
            Directory.CreateDirectory(LogFolder);
            using Process process = Process.Start(start) ?? throw new ToolstackException($"{program} was not started");
            await view.WriteAsync($"{StorePaths.Domain(domain)}/image/device-model-pid", Text(process.Id)).ConfigureAwait(false);
            await WaitAsync(store, $"{states}/state", process, program, log).ConfigureAwait(false);
            if (configuration.Vfbs is [{ Vnc: { Enable: true } vnc }, ..])
                await TellDisplayAsync(view, domain, vnc, process, program, log).ConfigureAwait(false);
        }
        catch (Win32Exception failure)
        {
            throw new ToolstackException($"{program} cannot be started: {failure.Message}", failure);
        }
    }

    /// <summary>One that cannot make its display ends after it has said that it runs.</summary>
    private static async Task TellDisplayAsync(XenstoreView view, int domain, VncInfo vnc, Process process, string program, string log)
    {
        try
        {
            await TellDisplayAsync(view, domain, vnc).ConfigureAwait(false);
        }
        catch (ToolstackException failure)
        {
            using CancellationTokenSource end = new(s_endTime);
            await process.WaitForExitAsync(end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw process.HasExited ? Ended(process, program, log) : failure;
        }
    }

    /// <summary>Sets the display's password, and notes where the display is for those who want to see it.</summary>
    private static async Task TellDisplayAsync(XenstoreView view, int domain, VncInfo vnc)
    {
        using ModelMonitor monitor = await ModelMonitor.ConnectAsync(domain).ConfigureAwait(false);
        string console = $"{StorePaths.Domain(domain)}/console";
        if (!string.IsNullOrEmpty(vnc.Passwd))
        {
            await monitor.CallAsync("change-vnc-password", new JsonObject { ["password"] = vnc.Passwd }).ConfigureAwait(false);
            await view.WriteAsync($"{console}/vnc-pass", vnc.Passwd).ConfigureAwait(false);
        }
        JsonNode? display = await monitor.CallAsync("query-vnc").ConfigureAwait(false);
        if (display?["enabled"]?.ToString() != "true")
            return;
        await view.WriteAsync($"{console}/vnc-listen", display["host"]?.ToString() ?? "").ConfigureAwait(false);
        await view.WriteAsync($"{console}/vnc-port", display["service"]?.ToString() ?? "").ConfigureAwait(false);
    }

    /// <summary>Ends it, if there is one.</summary>
    public static async Task StopAsync(XenstoreConnection store, int domain)
    {
        XenstoreView view = store.Store;
        if (await view.ReadAsync($"{StorePaths.Domain(domain)}/image/device-model-pid").ConfigureAwait(false) is not { } text || !int.TryParse(text, out int process) || process <= 1)
            return;
        // The number may be another program's by now.
        if (IsFor(process, domain))
            Processes.Signal(process, Processes.HangUp);
        await view.RemoveAsync($"/local/domain/0/device-model/{domain}").ConfigureAwait(false);
        foreach (string socket in (string[])["qmp-libxl", "qmp-libxenstat"])
            File.Delete($"{RunFolder}/{socket}-{domain}");
    }

    private static async Task WaitAsync(XenstoreConnection store, string path, Process process, string program, string log)
    {
        using CancellationTokenSource end = new(s_startTime);
        Task exit = process.WaitForExitAsync(end.Token), running = WaitForStateAsync(store, path, end.Token);
        await Task.WhenAny(exit, running).ConfigureAwait(false);
        await end.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(exit, running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!running.IsCanceled)
        {
            await running.ConfigureAwait(false);
            return;
        }
        throw process.HasExited ? Ended(process, program, log) : new ToolstackException($"the device model {program} did not start within {s_startTime.TotalSeconds:0} seconds; see {log}");
    }

    private static ToolstackException Ended(Process process, string program, string log) =>
        new($"the device model {program} has ended with status {process.ExitCode}; its log {log} ends with: {File.ReadLines(log).LastOrDefault(line => line.Length > 0) ?? "nothing"}");

    private static async Task WaitForStateAsync(XenstoreConnection store, string path, CancellationToken cancellation)
    {
        await foreach (XenstoreEvent _ in store.WatchAsync(path, cancellation: cancellation).ConfigureAwait(false))
        {
            if (await store.Store.ReadAsync(path, cancellation).ConfigureAwait(false) == "running")
                return;
        }
        throw new OperationCanceledException(cancellation);
    }

    private static bool IsFor(int process, int domain)
    {
        try
        {
            return ("\0" + File.ReadAllText($"/proc/{process}/cmdline")).Contains($"\0-xen-domid\0{domain}\0", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static string Text<T>(T value)
        where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);
}
