// SPDX-License-Identifier: MIT
// domid, domname, rename: names of domains. Rows of CommandTable.

using System.Globalization;
using System.Threading.Tasks;
using XenSharp.XenstoreClient;
using XenSharp.Xl.Frame;

namespace XenSharp.Xl.Commands;

internal static class Names
{
    public static Command DomId { get; } = new("domid", "Show the id of a domain that is given by its name", "<DomainName>", async call =>
    {
        int domain = await call.Host.FindNameAsync(call.Words[0]).ConfigureAwait(false)
            ?? throw new XlException($"Can't get domid of domain name '{call.Words[0]}', maybe this domain does not exist.");
        call.Output.Write($"{domain}\n");
        return 0;
    })
    {
        RequiredWords = 1,
    };

    public static Command DomName { get; } = new("domname", "Show the name of a domain that is given by its id", "<DomainId>", async call =>
    {
        string word = call.Words[0];
        if (word.Length == 0 || (!char.IsAsciiDigit(word[0]) && Invocation.LeadingNumber(word) == 0))
            throw new XlException("Invalid domain id.\n");
        uint domain = (uint)Invocation.LeadingNumber(word);
        string name = await (await call.Host.StoreAsync().ConfigureAwait(false)).ReadAsync(string.Create(CultureInfo.InvariantCulture, $"/local/domain/{domain}/name")).ConfigureAwait(false)
            ?? throw new XlException($"Can't get domain name of domain id '{domain}', maybe this domain does not exist.");
        call.Output.Write($"{name}\n");
        return 0;
    })
    {
        RequiredWords = 1,
    };

    public static Command Rename { get; } = new("rename", "Give a domain another name", "<Domain> <NewDomainName>", RenameAsync) { RequiredWords = 2, Modifies = true };

    private static async Task<int> RenameAsync(Invocation call)
    {
        int domain = await call.DomainAsync().ConfigureAwait(false);
        string name = call.Words[1];
        if (name.Length > 0 && await call.Host.FindNameAsync(name).ConfigureAwait(false) is { } other && other != domain)
            throw new XlException($"A domain with the name \"{name}\" exists already: {other}.\nCan't rename domain '{call.Words[0]}'.");
        XenstoreConnection store = await call.Host.ConnectionAsync().ConfigureAwait(false);
        await store.TransactAsync(async view =>
        {
            if (!await view.ExistsAsync($"/local/domain/{domain}/name").ConfigureAwait(false))
                throw new XlException($"There is no domain {domain}.\nCan't rename domain '{call.Words[0]}'.");
            string? machine = await view.ReadAsync($"/local/domain/{domain}/vm").ConfigureAwait(false);
            await view.WriteAsync($"/local/domain/{domain}/name", name).ConfigureAwait(false);
            if (machine is not null)
                await view.WriteAsync($"{machine}/name", name).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return 0;
    }
}
