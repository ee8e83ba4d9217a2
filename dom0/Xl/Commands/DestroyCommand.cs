// SPDX-License-Identifier: MIT
// destroy: the end of a domain without asking it. Row of CommandTable.

using System.Threading.Tasks;
using XenSharp.Toolstack;
using XenSharp.Xl.Frame;
using static XenSharp.Xl.Frame.Option;

namespace XenSharp.Xl.Commands;

internal static class DestroyCommand
{
    public static Command Row { get; } = new("destroy", "End a domain at once", "[options] <Domain>", RunAsync)
    {
        RequiredWords = 1,
        Modifies = true,
        Options = [Flag('f', "Even domain 0, where another domain is the hardware domain.")],
    };

    private static async Task<int> RunAsync(Invocation call)
    {
        int domain = await call.DomainAsync().ConfigureAwait(false);
        if (domain == 0 && !call.Has("f") && !call.Global.IsForced)
        {
            throw new XlException(
                "Not destroying domain 0; use -f to force.\nThis can only be done when using a disaggregated hardware domain and toolstack.\n");
        }
        // What is left of one that could not be destroyed cleanly counts too.
        if (call.Host.TryGetDomain(domain) is null && !await (await call.Host.StoreAsync().ConfigureAwait(false)).ExistsAsync($"/libxl/{domain}").ConfigureAwait(false))
            throw new XlException($"There is no domain {domain}.");
        Steps steps = new() { After = call.Global.Verbosity > 0 ? step => call.Error.WriteLine($"{step.Name}: {step.Duration.TotalMilliseconds:0.0} ms") : null };
        try
        {
            await new DomainToolstack(call.Host.Hypervisor, await call.Host.ConnectionAsync().ConfigureAwait(false)).DestroyAsync((ushort)domain, steps).ConfigureAwait(false);
            return 0;
        }
        catch (ToolstackException failure)
        {
            throw new XlException($"domain {domain} was not destroyed cleanly: {failure.Message}");
        }
    }
}
