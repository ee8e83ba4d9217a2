// SPDX-License-Identifier: MIT
// sysrq: a magic key for a Linux guest, by its control node. Row of CommandTable.

using XenSharp.Xl.Frame;

namespace XenSharp.Xl.Commands;

internal static class SysRq
{
    public static Command Row { get; } = new("sysrq", "Send a magic SysRq key to a Linux guest", "<Domain> <letter>", async call =>
    {
        int domain = await call.DomainAsync().ConfigureAwait(false);
        if (call.Words[1].Length != 1)
            throw new UsageException("Invalid sysrq.\n", 1);
        if (await call.Host.NameAsync(domain).ConfigureAwait(false) is null)
            throw new XlException($"There is no domain {domain}.");
        await (await call.Host.StoreAsync().ConfigureAwait(false)).WriteAsync($"/local/domain/{domain}/control/sysrq", call.Words[1]).ConfigureAwait(false);
        return 0;
    })
    {
        RequiredWords = 2,
        Modifies = true,
    };
}
