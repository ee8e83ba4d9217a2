// SPDX-License-Identifier: MIT
// Operations on nodes, outside transactions and in them. XenstoreConnection gives the views.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace XenSharp.XenstoreClient;

/// <summary>The store as it is, or as one transaction sees it.</summary>
public sealed class XenstoreView
{
    private readonly XenstoreConnection _connection;
    private readonly uint _transaction;

    internal XenstoreView(XenstoreConnection connection, uint transaction)
    {
        _connection = connection;
        _transaction = transaction;
    }

    /// <summary>The value as text; null if there is no such node.</summary>
    public async Task<string?> ReadAsync(string path, CancellationToken cancellation = default) =>
        await ReadBytesAsync(path, cancellation).ConfigureAwait(false) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    /// <summary>The value as it is; null if there is no such node.</summary>
    public async Task<byte[]?> ReadBytesAsync(string path, CancellationToken cancellation = default)
    {
        try
        {
            return await AskAsync(MessageType.Read, Wire.Strings(path), path, cancellation).ConfigureAwait(false);
        }
        catch (XenstoreException failure) when (failure.IsNotFound)
        {
            return null;
        }
    }

    /// <summary>As <see cref="ReadAsync"/> for many nodes, which are asked for at once; in their order.</summary>
    public async Task<string?[]> ReadAllAsync(IReadOnlyCollection<string> paths, CancellationToken cancellation = default)
    {
        Task<byte[]>[] answers = AskAll([.. paths.Select(path => new Request(MessageType.Read, Wire.Strings(path), path))], cancellation);
        await ((Task)Task.WhenAll(answers)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        string?[] values = new string?[answers.Length];
        for (int index = 0; index < values.Length; index++)
        {
            try
            {
                values[index] = Encoding.UTF8.GetString(await answers[index].ConfigureAwait(false));
            }
            catch (XenstoreException failure) when (failure.IsNotFound)
            {
                // There is none.
            }
        }
        return values;
    }

    /// <summary>Makes the node and those above it if they are not there.</summary>
    public Task WriteAsync(string path, string value, CancellationToken cancellation = default) => WriteBytesAsync(path, Encoding.UTF8.GetBytes(value), cancellation);

    /// <summary>As <see cref="WriteAsync"/>, for any bytes.</summary>
    public Task WriteBytesAsync(string path, ReadOnlyMemory<byte> value, CancellationToken cancellation = default) => AskAsync(Request.Write(path, value.Span), cancellation);

    /// <summary>Whether there is such a node.</summary>
    public async Task<bool> ExistsAsync(string path, CancellationToken cancellation = default) => await ReadBytesAsync(path, cancellation).ConfigureAwait(false) is not null;

    /// <summary>Makes the node, and those above it, if it is not there; leaves its value alone if it is.</summary>
    public Task MakeDirectoryAsync(string path, CancellationToken cancellation = default) => AskAsync(Request.MakeDirectory(path), cancellation);

    /// <summary>Takes the node and all below it out; false if it was not there.</summary>
    public async Task<bool> RemoveAsync(string path, CancellationToken cancellation = default)
    {
        try
        {
            await AskAsync(Request.Remove(path), cancellation).ConfigureAwait(false);
            return true;
        }
        catch (XenstoreException failure) when (failure.IsNotFound)
        {
            return false;
        }
    }

    /// <summary>Names of the children, however many there are.</summary>
    public async Task<string[]> ListAsync(string path, CancellationToken cancellation = default)
    {
        try
        {
            return Wire.Split(await AskAsync(MessageType.Directory, Wire.Strings(path), path, cancellation).ConfigureAwait(false));
        }
        catch (XenstoreException failure) when (failure.Error == "E2BIG")
        {
            return await ListInPartsAsync(path, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>The same; none if there is no such node.</summary>
    public async Task<string[]> ListOrNoneAsync(string path, CancellationToken cancellation = default)
    {
        try
        {
            return await ListAsync(path, cancellation).ConfigureAwait(false);
        }
        catch (XenstoreException failure) when (failure.IsNotFound)
        {
            return [];
        }
    }

    /// <summary>The node's permissions; the first one names its owner, and what everybody else may do.</summary>
    public async Task<IReadOnlyList<XenstorePermission>> GetPermissionsAsync(string path, CancellationToken cancellation = default)
    {
        byte[] answer = await AskAsync(MessageType.GetPermissions, Wire.Strings(path), path, cancellation).ConfigureAwait(false);
        return Array.ConvertAll(Wire.Split(answer), text => new XenstorePermission(text[0], int.Parse(text.AsSpan(1), CultureInfo.InvariantCulture)));
    }

    /// <summary>Replaces the permissions of the node.</summary>
    /// <param name="permissions">The first one names the owner, and what everybody else may do.</param>
    public Task SetPermissionsAsync(string path, IEnumerable<XenstorePermission> permissions, CancellationToken cancellation = default) =>
        AskAsync(Request.SetPermissions(path, permissions), cancellation);

    /// <summary>Changes that go to the daemon in one piece.</summary>
    public XenstoreBatch StartBatch() => new(this);

    private async Task<string[]> ListInPartsAsync(string path, CancellationToken cancellation)
    {
        while (true)
        {
            List<byte> list = [];
            string? generation = null;
            while (true)
            {
                byte[] part = await AskAsync(MessageType.DirectoryPart, Wire.Strings(path, list.Count.ToString(CultureInfo.InvariantCulture)), path, cancellation).ConfigureAwait(false);
                int end = Array.IndexOf(part, (byte)0);
                string current = Encoding.ASCII.GetString(part, 0, end);
                generation ??= current;
                if (generation != current)
                    break;      // The list has changed meanwhile: from the start.
                bool isLast = part.Length < 2 || (part[^1] == 0 && part[^2] == 0);
                list.AddRange(part.AsSpan(end + 1, part.Length - end - 1 - (isLast ? 1 : 0)));
                if (isLast)
                    return Wire.Split(list.ToArray());
            }
        }
    }

    internal Task<byte[]>[] AskAll(IReadOnlyList<Request> requests, CancellationToken cancellation) => _connection.AskAll(requests, _transaction, cancellation);

    private Task<byte[]> AskAsync(Request request, CancellationToken cancellation) => _connection.AskAsync(request, _transaction, cancellation);

    private Task<byte[]> AskAsync(MessageType type, byte[] payload, string path, CancellationToken cancellation) => AskAsync(new Request(type, payload, path), cancellation);
}
