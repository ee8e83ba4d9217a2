// SPDX-License-Identifier: MIT
// uptime: since when domains run. Row of CommandTable.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.XenstoreClient;
using XenSharp.Xl.Frame;
using static XenSharp.Xl.Frame.Option;

namespace XenSharp.Xl.Commands;

internal static class Uptime
{
    public static Command Row { get; } = new("uptime", "Show how long domains have been running", "[-s] [Domain]", RunAsync)
    {
        PrintsState = true,
        Options = [Flag('s', "Print one short line for each.")],
    };

    /// <summary>Days, hours and minutes, and seconds in the long form.</summary>
    internal static string Format(long seconds, bool isShort)
    {
        TimeSpan time = TimeSpan.FromSeconds(seconds);
        string days = time.Days > 1 ? $"{time.Days} days, " : time.Days == 1 ? "1 day, " : "";
        return string.Create(CultureInfo.InvariantCulture, $"{days}{time.Hours,2}:{time.Minutes:00}") + (isShort ? "" : string.Create(CultureInfo.InvariantCulture, $":{time.Seconds:00}"));
    }

    private static async Task<int> RunAsync(Invocation call)
    {
        bool isShort = call.Has("s");
        DateTimeOffset now = DateTimeOffset.UtcNow;
        List<int> domains = [];
        foreach (string word in call.Words)
            domains.Add(await call.Host.FindDomainAsync(word).ConfigureAwait(false));
        if (call.Words.Count == 0)
        {
            domains.Add(0);
            foreach (DomctlGetDomainInfo info in call.Host.Hypervisor.ListDomains(first: 1))
                domains.Add(info.Domain);
        }
        List<(int Domain, string? Name, long Seconds)> times = [];
        foreach (int domain in domains)
        {
            if (await SecondsAsync(call.Host, domain, now.ToUnixTimeSeconds()).ConfigureAwait(false) is { } seconds)
                times.Add((domain, await call.Host.NameAsync(domain).ConfigureAwait(false), seconds));
            else
                call.Error.Write($"It is not known when domain {domain} started.\n");
        }
        if (call.IsJson)
        {
            WriteJson(call, times);
            return 0;
        }
        if (!isShort)
            call.Output.Write($"{"Name",-33} {"ID",4} Uptime\n");
        foreach ((int domain, string? name, long seconds) in times)
        {
            call.Output.Write(isShort
                ? string.Create(CultureInfo.InvariantCulture, $" {now.ToLocalTime():HH:mm:ss} up {Format(seconds, isShort)}, {DomainLists.Name(name)} ({domain})\n")
                : $"{DomainLists.Name(name),-33} {domain,4} {Format(seconds, isShort)}\n");
        }
        return 0;
    }

    /// <summary>Null if it is not known.</summary>
    private static async Task<long?> SecondsAsync(Host host, int domain, long now)
    {
        if (domain == 0)
            return Invocation.LeadingNumber(await File.ReadAllTextAsync("/proc/uptime").ConfigureAwait(false));
        XenstoreView store = await host.StoreAsync().ConfigureAwait(false);
        if (await store.ReadAsync($"/local/domain/{domain}/vm").ConfigureAwait(false) is not { } machine)
            return null;
        return await store.ReadAsync($"{machine}/start_time").ConfigureAwait(false) is { } start ? (uint)(now - Invocation.LeadingNumber(start)) : null;
    }

    private static void WriteJson(Invocation call, List<(int Domain, string? Name, long Seconds)> times) => call.WriteJson(json =>
    {
        json.WriteStartArray();
        foreach ((int domain, string? name, long seconds) in times)
        {
            json.WriteStartObject();
            json.WriteNumber("domid", domain);
            json.WriteString("name", name);
            json.WriteNumber("uptime", seconds);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });
}
