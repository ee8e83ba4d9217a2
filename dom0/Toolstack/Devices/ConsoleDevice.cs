// SPDX-License-Identifier: MIT
// The guest's first console, which xenconsoled serves. libxl__device_console_add of libxl_console.c, Xen 4.17. Used by DomainCreation.

using System.Globalization;
using System.Threading.Tasks;
using XenSharp.Toolstack.Store;
using XenSharp.XenstoreClient;

namespace XenSharp.Toolstack.Devices;

internal static class ConsoleDevice
{
    private const int Limit = 1 << 20;      // LIBXL_XENCONSOLE_LIMIT

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
}
