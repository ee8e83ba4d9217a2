// SPDX-License-Identifier: MIT
// pci-list, pci-assignable-list and usb-list: devices of the machine that guests have or could have. Rows of CommandTable.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using XenSharp.XenstoreClient;
using XenSharp.Xl.Frame;
using static XenSharp.Xl.Frame.Option;

namespace XenSharp.Xl.Commands;

internal static class HostDevices
{
    private const string AssignableDevices = "/sys/bus/pci/drivers/pciback";

    public static Command PciList { get; } = new("pci-list", "List the PCI devices that a domain was given", "<Domain>", ListPciAsync) { RequiredWords = 1, PrintsState = true };

    public static Command PciAssignableList { get; } = new("pci-assignable-list", "List the PCI devices that are set apart for guests", "[options]", ListAssignableAsync)
    {
        Options = [Flag('n', "show-names", "Show the names that devices were given.")],
        PrintsState = true,
    };

    public static Command UsbList { get; } = new("usb-list", "List the USB controllers and devices of a domain", "<Domain>", ListUsbAsync) { RequiredWords = 1, PrintsState = true };

    private static async Task<int> ListPciAsync(Invocation call)
    {
        int domain = await call.DomainAsync().ConfigureAwait(false);
        XenstoreView store = await call.Host.StoreAsync().ConfigureAwait(false);
        List<(string Virtual, string Address)> devices = [];
        foreach (DeviceState bus in await DeviceState.ListAsync(store, domain, "pci").ConfigureAwait(false))
        {
            Dictionary<string, string> nodes = await DeviceState.ReadAllAsync(store, bus.Backend).ConfigureAwait(false);
            for (int index = 0; nodes.TryGetValue($"dev-{index}", out string? address); index++)
            {
                long function = nodes.TryGetValue($"vdevfn-{index}", out string? text) ? Convert.ToInt64(text, 16) : 0;
                devices.Add(($"{(function >> 3) & 0x1f:x2}.{function & 7:x}", address));
            }
        }
        if (call.IsJson)
            call.WriteJson(json =>
            {
                json.WriteStartArray();
                foreach ((string place, string address) in devices)
                {
                    json.WriteStartObject();
                    json.WriteString("vdevfn", place);
                    json.WriteString("bdf", address);
                    json.WriteEndObject();
                }
                json.WriteEndArray();
            });
        else if (devices.Count > 0)
            call.Output.Write("Vdev Device\n" + string.Concat(devices.Select(device => $"{device.Virtual} {device.Address}\n")));
        return 0;
    }

    private static async Task<int> ListAssignableAsync(Invocation call)
    {
        List<(string Address, string? Name)> devices = [];
        if (Directory.Exists(AssignableDevices))
        {
            XenstoreView store = await call.Host.StoreAsync().ConfigureAwait(false);
            foreach (string address in Directory.EnumerateFileSystemEntries(AssignableDevices, "????:??:??.?").Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal))
                devices.Add((address, await store.ReadAsync($"/libxl/pciback/{address.Replace(':', '-').Replace('.', '-')}/name").ConfigureAwait(false)));
        }
        if (call.IsJson)
            call.WriteJson(json =>
            {
                json.WriteStartArray();
                foreach ((string address, string? name) in devices)
                {
                    json.WriteStartObject();
                    json.WriteString("bdf", address);
                    json.WriteString("name", name);
                    json.WriteEndObject();
                }
                json.WriteEndArray();
            });
        else
            call.Output.Write(string.Concat(devices.Select(device => $"{device.Address} {(call.Has("show-names") ? device.Name : null)}\n")));
        return 0;
    }

    private static async Task<int> ListUsbAsync(Invocation call)
    {
        if (call.Words.Count > 1)
            throw new XlException("Invalid arguments.", 255);
        int domain = await call.DomainAsync().ConfigureAwait(false);
        XenstoreView store = await call.Host.StoreAsync().ConfigureAwait(false);
        List<(DeviceState Controller, Dictionary<string, string> Backend, Dictionary<string, string> Ports)> controllers = [];
        foreach (DeviceState controller in await DeviceState.ListAsync(store, domain, "vusb").ConfigureAwait(false))
        {
            Dictionary<string, string> backend = await DeviceState.ReadAllAsync(store, controller.Backend).ConfigureAwait(false);
            controllers.Add((controller, backend, await DeviceState.ReadAllAsync(store, $"{controller.Backend}/port").ConfigureAwait(false)));
        }
        if (call.IsJson)
        {
            call.WriteJson(json =>
            {
                json.WriteStartArray();
                foreach ((DeviceState controller, Dictionary<string, string> backend, Dictionary<string, string> ports) in controllers)
                {
                    json.WriteStartObject();
                    json.WriteNumber("devid", controller.Id);
                    json.WriteString("type", controller.Saved.GetValueOrDefault("type", "pv"));
                    json.WriteNumber("backend_id", controller.BackendDomain);
                    json.WriteNumber("state", controller.Number("state"));
                    json.WriteNumber("version", Invocation.LeadingNumber(backend.GetValueOrDefault("usb-ver", "")));
                    json.WriteStartObject("ports");
                    foreach ((string port, string device) in ports)
                        json.WriteString(port, device);
                    json.WriteEndObject();
                    json.WriteEndObject();
                }
                json.WriteEndArray();
            });
            return 0;
        }
        foreach ((DeviceState controller, Dictionary<string, string> backend, Dictionary<string, string> ports) in controllers)
        {
            long version = Invocation.LeadingNumber(backend.GetValueOrDefault("usb-ver", "")), count = Invocation.LeadingNumber(backend.GetValueOrDefault("num-ports", ""));
            call.Output.Write($"{"Devid",-6} {"Type",-12} {"BE",-3} {"state",-5} {"usb-ver",-7} {"ports",-5}\n");
            call.Output.Write($"{controller.Id,-6} {controller.Saved.GetValueOrDefault("type", "pv"),-12} {controller.BackendDomain,-3} {controller.Number("state"),-5} {version,-7} {count,-5}\n");
            for (int port = 1; port <= count; port++)
                call.Output.Write($"  Port {port}:{(ports.GetValueOrDefault($"{port}", "") is { Length: > 0 } device ? $" {device}" : "")}\n");
        }
        return 0;
    }
}
