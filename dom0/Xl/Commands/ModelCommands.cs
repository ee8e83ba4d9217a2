// SPDX-License-Identifier: MIT
// Commands about what a device model serves: vkb-attach, vkb-detach, vncviewer, qemu-monitor-command. Rows of CommandTable.

using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.Linq;
using System.Text;
using System.Threading.Tasks;
using XenSharp.Configuration;
using XenSharp.Toolstack;
using XenSharp.Toolstack.Devices;
using XenSharp.XenstoreClient;
using XenSharp.Xl.Frame;
using static XenSharp.Xl.Frame.Option;

namespace XenSharp.Xl.Commands;

internal static class ModelCommands
{
    public static Command VkbAttach { get; } = new("vkb-attach", "Give a domain a virtual keyboard", "<Domain> <vkb-spec-component(s)>...", AttachAsync)
    {
        RequiredWords = 2,
        CanDryRun = true,
        Modifies = true,
        Notes = "The components are those of vkb= in xl.cfg(5), together or one by one; backend-type must be among them.",
    };

    public static Command VkbDetach { get; } = new("vkb-detach", "Take a virtual keyboard away from a domain", "<Domain> <DevId>", call =>
        DeviceChanges.DetachAsync(call, (devices, domain) => devices.FindAsync(domain, "vkbd", (int)Invocation.LeadingNumber(call.Words[1])), isForced: false,
            $"Error: Device {Invocation.LeadingNumber(call.Words[1])} not connected.", "libxl_device_vkb_remove failed."))
    {
        RequiredWords = 2,
        Modifies = true,
    };

    public static Command VncViewer { get; } = new("vncviewer", "Show a domain's graphical display", "[options] <Domain>", ViewAsync)
    {
        RequiredWords = 1,
        Options = [Flag('a', "autopass", "Give the VNC password to the viewer on its input.") with { Alias = "vncviewer-autopass" }],
        Notes = "Runs the program vncviewer, which is none of Xen's.",
    };

    public static Command QemuMonitorCommand { get; } = new("qemu-monitor-command", "Give a command to the monitor of a domain's device model", "<Domain> <Command>", AskAsync)
    {
        RequiredWords = 2,
        Modifies = true,
    };

    private static async Task<int> AttachAsync(Invocation call)
    {
        int domain = await call.DomainAsync().ConfigureAwait(false);
        DeviceVkb vkb = Read(call) with { Devid = null };
        if (call.Global.IsDryRun)
        {
            DeviceChanges.Show(call, "vkb", new DomainConfiguration { Vkbs = [vkb] }, "vkbs");
            return 0;
        }
        await DeviceChanges.TryAsync(async () => await (await DeviceChanges.DevicesAsync(call).ConfigureAwait(false)).AttachVkbAsync(call.Host.GetDomain(domain).Domain, vkb).ConfigureAwait(false),
            "libxl_device_vkb_add failed.").ConfigureAwait(false);
        return 0;
    }

    /// <summary>As if the words stood in a configuration file.</summary>
    private static DeviceVkb Read(Invocation call)
    {
        string words = string.Join(',', call.Words.Skip(1));
        if (words.Contains('\'') || words.Contains('\n'))
            throw new XlException($"\"{words}\" is no specification of a keyboard");
        byte[] file = Encoding.UTF8.GetBytes($"name = 'x'\ntype = 'pvh'\nkernel = 'x'\nvkb = [ '{words}' ]\n");
        DomainConfiguration? configuration = DomainConfiguration.Parse(file, "vkb-attach", null, null, out IReadOnlyList<Diagnostic> remarks);
        foreach (Diagnostic remark in remarks)
            call.Error.Write($"{remark.Message}\n");
        return configuration?.Vkbs is [DeviceVkb vkb] ? vkb : throw new XlException($"\"{words}\" is no specification of a keyboard");
    }

    private static async Task<int> ViewAsync(Invocation call)
    {
        ushort domain = call.Host.GetDomain(await call.DomainAsync().ConfigureAwait(false)).Domain;
        XenstoreView store = await call.Host.StoreAsync().ConfigureAwait(false);
        string console = $"/local/domain/{domain}/console";
        if (await store.ReadAsync($"{console}/vnc-port").ConfigureAwait(false) is not { Length: > 0 } port)
            throw new XlException($"Cannot get the VNC port of domain {domain}: it has no display");
        string? host = await store.ReadAsync($"{console}/vnc-listen").ConfigureAwait(false);
        string? password = call.Has("autopass") ? await store.ReadAsync($"{console}/vnc-pass").ConfigureAwait(false) : null;
        ProcessStartInfo start = new("vncviewer", [$"{(string.IsNullOrEmpty(host) || host == "0.0.0.0" ? "localhost" : host)}:{int.Parse(port) - 5900}", .. password is null ? Array.Empty<string>() : ["-autopass"]])
        {
            UseShellExecute = false, RedirectStandardInput = password is not null,
        };
        try
        {
            using Process viewer = Process.Start(start) ?? throw new XlException("vncviewer was not started");
            if (password is not null)
            {
                await viewer.StandardInput.WriteAsync(password).ConfigureAwait(false);
                viewer.StandardInput.Close();
            }
            await viewer.WaitForExitAsync().ConfigureAwait(false);
            return viewer.ExitCode;
        }
        catch (Win32Exception failure)
        {
            throw new XlException($"vncviewer cannot be started: {failure.Message}");
        }
    }

    private static async Task<int> AskAsync(Invocation call)
    {
        ushort domain = call.Host.GetDomain(await call.DomainAsync().ConfigureAwait(false)).Domain;
        try
        {
            using ModelMonitor monitor = await ModelMonitor.ConnectAsync(domain).ConfigureAwait(false);
            string answer = (await monitor.CallHumanAsync(call.Words[1]).ConfigureAwait(false)).Replace("\r\n", "\n", StringComparison.Ordinal);
            // Xen's adds a line end to what the monitor says.
            call.Output.Write($"{answer}\n");
            return 0;
        }
        catch (ToolstackException failure)
        {
            throw new XlException(failure.Message);
        }
    }
}
