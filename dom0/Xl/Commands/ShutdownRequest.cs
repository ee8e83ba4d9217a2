// SPDX-License-Identifier: MIT
// What shutdown and reboot share: asking guests, and waiting for them. tools/xl/xl_vmcontrol.c of Xen has the words.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Toolstack;
using XenSharp.Xl.Frame;

namespace XenSharp.Xl.Commands;

internal static class ShutdownRequest
{
    private static readonly TimeSpan s_time = TimeSpan.FromSeconds(60);

    /// <param name="request">What control/shutdown says.</param>
    /// <param name="announcement">Its beginning in the message.</param>
    /// <param name="verb">In the message of a failure.</param>
    public static async Task<int> RunAsync(Invocation call, string request, string announcement, string verb)
    {
        bool isAll = call.Has("all");
        if (call.Words.Count == 0 && !isAll)
            throw new XlException("You must specify -a or a domain id.\n");
        ushort[] domains = isAll
            ? [.. call.Host.Hypervisor.ListDomains().Where(info => info.Domain != 0 && (info.Flags & DomainInfoFlags.XenstoreDomain) == 0).Select(info => info.Domain)]
            : [(ushort)await call.DomainAsync().ConfigureAwait(false)];
        DomainToolstack toolstack = new(call.Host.Hypervisor, await call.Host.ConnectionAsync().ConfigureAwait(false));
        int status = 0;
        List<Task> waits = [];
        foreach (ushort domain in domains)
        {
            call.Error.WriteLine($"{announcement} domain {domain}");
            try
            {
                await toolstack.AskAsync(domain, request, s_time).ConfigureAwait(false);
            }
            catch (ToolstackException failure)
            {
                call.Error.WriteLine($"{verb} of domain {domain} failed: {failure.Message}");
                status = 1;
                continue;
            }
            if (call.Has("wait"))
                waits.Add(WaitAsync(call, toolstack, domain));
        }
        if (call.Has("wait"))
            call.Error.WriteLine($"Waiting for {waits.Count} domains");
        await Task.WhenAll(waits).ConfigureAwait(false);
        return status;
    }

    private static async Task WaitAsync(Invocation call, DomainToolstack toolstack, ushort domain)
    {
        ShutdownReason? reason = await toolstack.WaitForShutdownAsync(domain).ConfigureAwait(false);
        lock (call)
            call.Error.WriteLine(reason is { } code ? $"Domain {domain} has been shut down, reason code {(uint)code}" : $"Domain {domain} has been destroyed");
    }
}
