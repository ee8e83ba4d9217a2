// SPDX-License-Identifier: MIT
// Hotplug scripts of the user's, with the environment that libxl 4.17 gives them (libxl_linux.c). Used by the kinds of devices.

using System;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using XenSharp.Toolstack.Store;
using XenSharp.XenstoreClient;

namespace XenSharp.Toolstack.Devices;

internal static class Hotplug
{
    private const string Folder = "/etc/xen/scripts";

    private static readonly TimeSpan s_time = TimeSpan.FromSeconds(40);

    /// <summary>A script's name as configurations have it, as a path.</summary>
    public static string ScriptPath(string name) => name.StartsWith('/') ? name : $"{Folder}/{name}";

    /// <param name="words">add and remove for disks; online or offline, and type_if=vif, for network interfaces.</param>
    /// <exception cref="ToolstackException">It is not there, failed, took too long, or wrote hotplug-error.</exception>
    public static async Task RunAsync(XenstoreConnection store, DeviceAddress device, string script, params string[] words)
    {
        if (!File.Exists(script))
            throw new ToolstackException($"{device}: the hotplug script {script} is not there");
        ProcessStartInfo start = new(script, words) { RedirectStandardError = true, RedirectStandardInput = true, UseShellExecute = false };
        start.Environment["script"] = script;
        start.Environment["XENBUS_TYPE"] = device.BackendKind;
        start.Environment["XENBUS_PATH"] = $"backend/{device.BackendKind}/{device.Domain}/{device.Id}";
        start.Environment["XENBUS_BASE_PATH"] = "backend";
        if (device.BackendKind == "vif")
        {
            start.Environment["netdev"] = await store.Store.ReadAsync($"{device.Backend}/gatewaydev").ConfigureAwait(false) ?? "";
            start.Environment["vif"] = $"vif{device.Domain}.{device.Id}";
        }
        using Process process = Start(start);
        process.StandardInput.Close();
        using CancellationTokenSource end = new(s_time);
        string errors;
        try
        {
            errors = await process.StandardError.ReadToEndAsync(end.Token).ConfigureAwait(false);
            await process.WaitForExitAsync(end.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new ToolstackException($"{device}: {script} {words[0]} has not ended within {s_time.TotalSeconds:0} seconds");
        }
        string? error = await store.Store.ReadAsync($"{device.Backend}/hotplug-error").ConfigureAwait(false);
        if (process.ExitCode != 0 || !string.IsNullOrEmpty(error))
            throw new ToolstackException($"{device}: {script} {words[0]} failed: {(string.IsNullOrEmpty(error) ? errors.Trim() : error)} (exit status {process.ExitCode})");
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start) ?? throw new ToolstackException($"{start.FileName} was not started");
        }
        catch (Win32Exception failure)
        {
            throw new ToolstackException($"{start.FileName} cannot be started: {failure.Message}", failure);
        }
    }
}
