// SPDX-License-Identifier: MIT
// The guest's first console, which xenconsoled serves. libxl__device_console_add of libxl_console.c, Xen 4.17. Used by DomainCreation.

using System;
using System.Globalization;
using System.Threading.Tasks;
using XenSharp.Toolstack.Store;
using XenSharp.XenstoreClient;

namespace XenSharp.Toolstack.Devices;

internal static class ConsoleDevice
{
    private const int Limit = 1 << 20;      // LIBXL_XENCONSOLE_LIMIT

    /// <summary>How long xenconsoled has for a new console; LIBXL_INIT_TIMEOUT. Tests have less patience.</summary>
    internal static TimeSpan TerminalTime { get; set; } = TimeSpan.FromSeconds(10);

    public static async Task AddAsync(XenstoreConnection store, int domain, int backendDomain, uint port, ulong frame)
    {
        DeviceAddress device = new(domain, "console", 0, backendDomain, "console");
        NodeList back = [], front = [], readOnlyFront = [];
        back.Add("frontend-id", domain);
        back.Add("online", 1);
        back.Add("state", (int)XenbusState.Initialising);
        back.Add("protocol", "vt100");
        front.Add("backend-id", backendDomain);
        readOnlyFront.Add("limit", Limit);
        readOnlyFront.Add("type", "xenconsoled");
        readOnlyFront.Add("output", "pty");
        readOnlyFront.Add("tty", "");
        readOnlyFront.Add("port", port);
        readOnlyFront.Add("ring-ref", frame.ToString(CultureInfo.InvariantCulture));
        if (!await DeviceNodes.AddAsync(store, device, back, front, readOnlyFront).ConfigureAwait(false))
            throw new ToolstackException("the domain has a console already");
    }

    /// <summary>Waits until xenconsoled serves it: whoever asks for the console's terminal once the domain is created finds it.</summary>
    public static async Task WaitForTerminalAsync(XenstoreConnection store, int domain)
    {
        if (!await DeviceNodes.WaitAsync(store, $"{StorePaths.Domain(domain)}/console/tty", TerminalTime, terminal => !string.IsNullOrEmpty(terminal)).ConfigureAwait(false))
            throw new ToolstackException($"the guest's console has no terminal after {TerminalTime.TotalSeconds:0} seconds; is xenconsoled running?");
    }
}
