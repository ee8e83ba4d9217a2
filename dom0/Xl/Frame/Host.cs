// SPDX-License-Identifier: MIT
// The machine that commands act on: connections that are made when they are first needed, and domains by name. XlProgram makes it; tests give it their own.

using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Threading.Tasks;
using XenSharp.XenstoreClient;

namespace XenSharp.Xl.Frame;

public sealed class Host : IAsyncDisposable
{
    /// <summary>libxl's ERROR_INVAL, which stands in messages about unknown names.</summary>
    private const int Invalid = -6;

    private XenstoreConnection? _connection;

    /// <summary>The socket of xenstored, where it is not the usual one.</summary>
    public string? StorePath { get; init; }

    public async Task<XenstoreConnection> ConnectionAsync() => _connection ??= await XenstoreConnection.ConnectAsync(StorePath).ConfigureAwait(false);

    public async Task<XenstoreView> StoreAsync() => (await ConnectionAsync().ConfigureAwait(false)).Store;

    /// <summary>A domain by its id, whether there is one or not, or by its name, which must be there.</summary>
    public async Task<int> FindDomainAsync(string text) =>
        await TryFindDomainAsync(text).ConfigureAwait(false) ?? throw new XlException($"{text} is an invalid domain identifier (rc={Invalid})");

    /// <summary>Null if no domain has that name.</summary>
    public async Task<int?> TryFindDomainAsync(string text)
    {
        if (text.All(char.IsAsciiDigit))
            return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id : text.Length == 0 ? 0 : int.MaxValue;
        return await FindNameAsync(text).ConfigureAwait(false);
    }

    /// <summary>Null if no domain has that name.</summary>
    public async Task<int?> FindNameAsync(string name)
    {
        XenstoreView store = await StoreAsync().ConfigureAwait(false);
        foreach (string child in await store.ListAsync("/local/domain").ConfigureAwait(false))
        {
            if (int.TryParse(child, NumberStyles.None, CultureInfo.InvariantCulture, out int id) && await NameAsync(id).ConfigureAwait(false) == name)
                return id;
        }
        return null;
    }

    /// <summary>A domain's name; null if it has none.</summary>
    public async Task<string?> NameAsync(int domain) => await (await StoreAsync().ConfigureAwait(false)).ReadAsync($"/local/domain/{domain}/name").ConfigureAwait(false);

    /// <summary>The sentence for a failure that the machine may have caused; null for one of this program.</summary>
    internal static string? Describe(Exception failure) => failure switch
    {
        XenstoreException store => $"xenstore refused: {store.Message}",
        SocketException => $"cannot reach xenstored: {failure.Message} (is it running?)",
        IOException or UnauthorizedAccessException => failure.Message,
        _ => null,
    };

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
            await _connection.DisposeAsync().ConfigureAwait(false);
    }
}
