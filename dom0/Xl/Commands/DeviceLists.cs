// SPDX-License-Identifier: MIT
// The commands that list a domain's devices of one kind, from the store. Rows of CommandTable.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using XenSharp.XenstoreClient;
using XenSharp.Xl.Frame;

namespace XenSharp.Xl.Commands;

internal static class DeviceLists
{
    public static Command Block { get; } = List(
        "block-list", "virtual block devices", "vbd",
        $"{"Vdev",-5} {"BE",-3} {"handle",-6} {"state",-5} {"evt-ch",-6} {"ring-ref",-8} {"BE-path",-30}",
        device => $"{device.Id,-5} {device.BackendDomain,-3} {device.Domain,-6} {device.Number("state"),-5} {device.Number("event-channel"),-6} {device.Number("ring-ref"),-8} {device.Backend,-30}",
        [("evtch", "event-channel"), ("rref", "ring-ref")],
        goesOnAfterUnknown: true);

    public static Command Network { get; } = List(
        "network-list", "virtual network interfaces", "vif",
        $"{"Idx",-3} {"BE",-2} {"Mac Addr.",-17} {"handle",-6} {"state",-5} {"evt-ch",-6} {"tx-",5}/{"rx-ring-ref",-5} {"BE-path",-30}",
        device => $"{device.Id,-3} {device.BackendDomain,-2} {device.Saved.GetValueOrDefault("mac", "00:00:00:00:00:00")}{device.Id,6} {device.Number("state"),5} {device.Number("event-channel"),6} "
            + $"{device.Number("tx-ring-ref"),5}/{device.Number("rx-ring-ref"),-11} {device.Backend,-30}",
        [("evtch", "event-channel"), ("rref_tx", "tx-ring-ref"), ("rref_rx", "rx-ring-ref")]);

    public static Command Channel { get; } = List(
        "channel-list", "virtual channel devices", "console",
        $"{"Idx",-3} {"BE",-2} {"state",-5} {"evt-ch",-6} {"ring-ref",8} {"connection",-10} {"",-30}",
        device => $"{device.Id - 1,-3} {device.BackendDomain,-2} {device.Number("state"),-5} {device.Number("port"),-6} {device.Number("ring-ref"),-8} {device.Saved.GetValueOrDefault("connection", "unknown"),-10} "
            + (device.Saved.GetValueOrDefault("connection") == "pty" ? $"{device.Frontend.GetValueOrDefault("tty", "/NO-SUCH-PATH"),-30} " : ""),
        [("evtch", "port"), ("rref", "ring-ref")]);

    public static Command Vtpm { get; } = List(
        "vtpm-list", "virtual TPMs", "vtpm",
        $"{"Idx",-3} {"BE",-2} {"Uuid",-36} {"handle",-6} {"state",-5} {"evt-ch",-6} {"ring-ref",-5} {"BE-path",-10}",
        device => $"{device.Id,-3} {device.BackendDomain,-2} {device.Saved.GetValueOrDefault("uuid", ""),-36} {device.Id,6} {device.Number("state"),5} {device.Number("event-channel"),6} {device.Number("ring-ref"),8} {device.Backend,-30}",
        [("evtch", "event-channel"), ("rref", "ring-ref")],
        goesOnAfterUnknown: true);

    public static Command Vkb { get; } = List(
        "vkb-list", "virtual keyboards", "vkbd",
        $"{"Idx",-3} {"BE",-2} {"handle",-6} {"state",-5} {"evt-ch",-6} {"ref",6} {"ID",-10} {"BE-type",-10} {"BE-path",-30}",
        device => $"{device.Id,-3} {device.BackendDomain,-2} {device.Id,6} {device.Number("state"),5} {device.Number("event-channel"),6} {device.Number("page-gref"),6} "
            + $"{device.Saved.GetValueOrDefault("unique-id", "(null)"),-10} {(device.Backend.Contains("/vinput/", StringComparison.Ordinal) ? "linux" : "qemu"),-10} {device.Backend,-30}",
        [("evtch", "event-channel"), ("rref", "page-gref")]);

    public static Command Vdispl { get; } = List(
        "vdispl-list", "virtual displays", "vdispl", null,
        device => $"DevId: {device.Id}, BE: {device.BackendDomain}, handle: {device.Domain}, state: {device.Number("state")}, be-alloc: {device.Saved.GetValueOrDefault("be-alloc", "0")}, "
            + $"BE-path: {device.Backend}, FE-path: {device.FrontendPath}",
        [], goesOnAfterUnknown: true);

    public static Command Vsnd { get; } = List(
        "vsnd-list", "virtual sound devices", "vsnd", null,
        device => $"\ndevid: {device.Id}, be-domid: {device.BackendDomain}, handle: {device.Domain}, state: {device.Number("state")}, be-path: {device.Backend}, fe-path: {device.FrontendPath}\n"
            + $"short-name: \"{device.Saved.GetValueOrDefault("short-name", "")}\", long-name: \"{device.Saved.GetValueOrDefault("long-name", "")}\"",
        [], goesOnAfterUnknown: true);

    /// <param name="things">What they are, in the plural.</param>
    /// <param name="kind">The name of their folder in the store.</param>
    /// <param name="header">Null if Xen's has none.</param>
    /// <param name="numbers">What JSON shows besides what all have: names in libxl's structure, and the frontend's nodes.</param>
    /// <param name="goesOnAfterUnknown">An unknown domain is named and passed over; otherwise it ends the command.</param>
    private static Command List(
        string name, string things, string kind, string? header, Func<DeviceState, string> line, (string Name, string Node)[] numbers, bool goesOnAfterUnknown = false) =>
        new(name, $"List the {things} of domains", "<Domain(s)>", async call =>
        {
            XenstoreView store = await call.Host.StoreAsync().ConfigureAwait(false);
            List<DeviceState> found = [];
            if (header is not null && !call.IsJson)
                call.Output.Write(header + "\n");
            foreach (string word in call.Words)
            {
                if (await (goesOnAfterUnknown ? call.Host.TryFindDomainAsync(word) : AsNullable(call.Host.FindDomainAsync(word))).ConfigureAwait(false) is not { } domain)
                {
                    call.Error.Write($"{word} is an invalid domain identifier\n");
                    continue;
                }
                found.AddRange((await DeviceState.ListAsync(store, domain, kind).ConfigureAwait(false)).Where(device => kind != "console" || device.Saved.ContainsKey("connection")));
            }
            if (call.IsJson)
                call.WriteJson(json => WriteAll(json, found, numbers));
            else
                WriteLines(call.Output, found.Select(line));
            return 0;
        })
        {
            RequiredWords = 1,
            PrintsState = true,
        };

    private static async Task<int?> AsNullable(Task<int> task) => await task.ConfigureAwait(false);

    private static void WriteLines(TextWriter output, IEnumerable<string> lines)
    {
        foreach (string line in lines)
            output.Write(line + "\n");
    }

    private static void WriteAll(Utf8JsonWriter json, List<DeviceState> devices, (string Name, string Node)[] numbers)
    {
        json.WriteStartArray();
        foreach (DeviceState device in devices)
        {
            json.WriteStartObject();
            json.WriteString("backend", device.Backend);
            json.WriteNumber("backend_id", device.BackendDomain);
            json.WriteString("frontend", device.FrontendPath);
            json.WriteNumber("frontend_id", device.Domain);
            json.WriteNumber("devid", device.Id);
            json.WriteNumber("state", device.Number("state"));
            foreach ((string name, string node) in numbers)
                json.WriteNumber(name, device.Number(node));
            if (device.Saved.TryGetValue("mac", out string? mac))
                json.WriteString("mac", mac);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
