// SPDX-License-Identifier: MIT
// dump-core: a domain's memory in a file. Row of CommandTable.

using System.Threading.Tasks;
using XenSharp.Toolstack;
using XenSharp.Xl.Frame;

namespace XenSharp.Xl.Commands;

internal static class DumpCoreCommand
{
    public static Command Row { get; } = new("dump-core", "Write a domain's memory to a file", "<Domain> <filename>", RunAsync)
    {
        RequiredWords = 2,
        Modifies = true,
        Notes = "The domain goes on running; pause it for a picture of one moment.",
    };

    private static async Task<int> RunAsync(Invocation call)
    {
        ushort domain = call.Host.GetDomain(await call.DomainAsync().ConfigureAwait(false)).Domain;
        try
        {
            new DomainToolstack(call.Host.Hypervisor, await call.Host.ConnectionAsync().ConfigureAwait(false)).DumpCore(domain, call.Words[1]);
            return 0;
        }
        catch (ToolstackException failure)
        {
            throw new XlException($"core dump failed: {failure.Message}");
        }
    }
}
