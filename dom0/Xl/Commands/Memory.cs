// SPDX-License-Identifier: MIT
// mem-max and mem-set: how much memory a domain may have, and how much its balloon driver is to leave it. Rows of CommandTable.

using System;
using System.Globalization;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Control;
using XenSharp.XenstoreClient;
using XenSharp.Xl.Frame;

namespace XenSharp.Xl.Commands;

internal static class Memory
{
    private const string Size = "<Domain> <MemMB['b'[bytes]|'k'[KB]|'m'[MB]|'g'[GB]|'t'[TB]]>";

    /// <summary>What a domain may have besides its memory, and the least for domain 0, both in KiB, as libxl has them.</summary>
    private const long Slack = 1024, LeastOfControlDomain = 128 * 1024;

    public static Command Max { get; } = new("mem-max", "Set the most memory that a domain may have", Size, SetMaxAsync) { RequiredWords = 2, Modifies = true };

    public static Command Set { get; } = new("mem-set", "Set how much memory a domain has now", Size, SetTargetAsync) { RequiredWords = 2, Modifies = true };

    /// <summary>Kilobytes; null for a text that is no size.</summary>
    internal static long? ParseKilobytes(string text)
    {
        int end = 0;
        while (end < text.Length && (char.IsAsciiDigit(text[end]) || (end == 0 && text[end] is '-' or '+')))
            end++;
        if (text.Length - end > 1)
            return null;
        long value = Invocation.LeadingNumber(text);
        return (end < text.Length ? char.ToLowerInvariant(text[end]) : 'm') switch
        {
            't' => value << 30,
            'g' => value << 20,
            'm' => value << 10,
            'k' => value,
            'b' => value >> 10,
            _ => null,
        };
    }

    /// <summary>Domain 0's sizes get into xenstore when they are first asked for. libxl__fill_dom0_memory_info.</summary>
    internal static async Task AddControlDomainNodesAsync(XenstoreView store, DomctlGetDomainInfo info)
    {
        foreach ((string name, ulong pages) in ((string, ulong)[])[("target", info.TotalPages), ("static-max", info.MaxPages)])
        {
            string path = $"/local/domain/0/memory/{name}";
            if (!await store.ExistsAsync(path).ConfigureAwait(false))
                await store.WriteAsync(path, Text((long)pages * 4)).ConfigureAwait(false);
        }
    }

    private static async Task<int> SetMaxAsync(Invocation call)
    {
        (int domain, long kilobytes) = await ReadWordsAsync(call).ConfigureAwait(false);
        string refusal = $"cannot set domid {domain} static max memory to : {call.Words[1]}";
        XenstoreView store = await call.Host.StoreAsync().ConfigureAwait(false);
        string folder = $"/local/domain/{domain}/memory";
        long target = await ReadNumberAsync(store, $"{folder}/target").ConfigureAwait(false) ?? throw new XlException($"Domain {domain} has no memory target in xenstore.\n{refusal}");
        if (kilobytes < target)
            throw new XlException($"The maximum must not be below the memory that the domain has now, {target} KiB.\n{refusal}");
        call.Host.Hypervisor.SetMaxMemory((ushort)domain, (ulong)(kilobytes + Slack));
        await store.WriteAsync($"{folder}/static-max", Text(kilobytes)).ConfigureAwait(false);
        return 0;
    }

    private static async Task<int> SetTargetAsync(Invocation call)
    {
        (int domain, long kilobytes) = await ReadWordsAsync(call).ConfigureAwait(false);
        string refusal = $"cannot set domid {domain} dynamic max memory to : {call.Words[1]}";
        DomctlGetDomainInfo info = call.Host.TryGetDomain(domain) ?? throw new XlException($"There is no domain {domain}.\n{refusal}");
        XenstoreConnection connection = await call.Host.ConnectionAsync().ConfigureAwait(false);
        await connection.TransactAsync(async store =>
        {
            string folder = $"/local/domain/{domain}/memory";
            if (domain == 0)
                await AddControlDomainNodesAsync(store, info).ConfigureAwait(false);
            if (!await store.ExistsAsync($"{folder}/target").ConfigureAwait(false) || await ReadNumberAsync(store, $"{folder}/static-max").ConfigureAwait(false) is not { } most)
                throw new XlException($"Domain {domain} has no memory target in xenstore.\n{refusal}");
            long videoMemory = await ReadNumberAsync(store, $"{folder}/videoram").ConfigureAwait(false) ?? 0;
            long target = kilobytes - videoMemory;
            if (target > most)
                throw new XlException($"More than the domain's maximum, {most} KiB; xl mem-max raises it.\n{refusal}");
            if (target < 0 || (domain == 0 && target < LeastOfControlDomain))
                throw new XlException($"Domain {domain} needs at least {(domain == 0 ? LeastOfControlDomain : 0)} KiB.\n{refusal}");
            call.Host.Hypervisor.SetMaxMemory(info.Domain, (ulong)(kilobytes + Slack));
            if ((info.Flags & DomainInfoFlags.HvmGuest) != 0)
                call.Host.Hypervisor.SetPopulateOnDemandTarget(info.Domain, (ulong)(target + Slack) / 4);
            await store.WriteAsync($"{folder}/target", Text(target)).ConfigureAwait(false);
            await store.WriteAsync($"/vm/{Hypervisor.ToGuid(info.Handle):D}/memory", Text(target / 1024)).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return 0;
    }

    private static async Task<(int Domain, long Kilobytes)> ReadWordsAsync(Invocation call)
    {
        int domain = await call.DomainAsync().ConfigureAwait(false);
        long kilobytes = ParseKilobytes(call.Words[1]) ?? throw new XlException($"invalid memory size: {call.Words[1]}");
        return (domain, kilobytes);
    }

    private static async Task<long?> ReadNumberAsync(XenstoreView store, string path) =>
        await store.ReadAsync(path).ConfigureAwait(false) is { } text && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value : null;

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
