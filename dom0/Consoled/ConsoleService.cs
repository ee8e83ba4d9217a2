// SPDX-License-Identifier: MIT
// The daemon's part in xenstore: which domains there are, what their consoles are, and where their terminals are. Started by ConsoledProgram.
//
// Nodes: /local/domain/D/console/{ring-ref,port,type,limit,tty} for the first console (docs/misc/console.txt of Xen 4.17); for the others
// /local/domain/D/device/console/N with the states of xen/include/public/io/xenbus.h, where the backend's `type` or the frontend's says xenconsoled.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using XenSharp.Interop;
using XenSharp.XenstoreClient;

namespace XenSharp.Consoled;

internal sealed class ConsoleService(XenstoreConnection xenstore, ConsoleHost host, ConsoleLoop loop, DaemonOptions options)
{
    private readonly Dictionary<int, CancellationTokenSource> _domains = [];
    private readonly SemaphoreSlim _listing = new(1);
    private ExtraConsoles? _extras;

    private XenstoreView Store => xenstore.Store;

    /// <summary>Serves until it is cancelled or xenstore is gone, which is an <see cref="IOException"/>.</summary>
    /// <param name="onReady">Called when all domains that were there are served.</param>
    public async Task RunAsync(Action onReady, CancellationToken cancellation)
    {
        _extras = new ExtraConsoles(xenstore, loop, options);
        loop.TerminalMade = (id, name) => _ = Task.Run(() => TellTerminalAsync(id, name), CancellationToken.None);
        await ListDomainsAsync(cancellation);
        onReady();
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task[] watches = [WatchDomainListAsync("@introduceDomain", ending.Token), WatchDomainListAsync("@releaseDomain", ending.Token), _extras.WatchAsync(ending.Token)];
        try
        {
            await await Task.WhenAny(watches);
        }
        finally
        {
            await ending.CancelAsync();
        }
    }

    private async Task WatchDomainListAsync(string name, CancellationToken cancellation)
    {
        await foreach (XenstoreEvent _ in xenstore.WatchAsync(name, cancellation: cancellation))
            await ListDomainsAsync(cancellation);
    }

    /// <summary>Begins with domains that are new, ends with those that are dying or gone.</summary>
    private async Task ListDomainsAsync(CancellationToken cancellation)
    {
        await _listing.WaitAsync(cancellation);
        try
        {
            HashSet<int> gone = [.. _domains.Keys];
            foreach (DomainEntry domain in host.ListDomains())
            {
                if (domain.IsDying || gone.Remove(domain.Id))
                    continue;
                CancellationTokenSource watching = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                _domains.Add(domain.Id, watching);
                _ = WatchDomainAsync(domain.Id, watching.Token);
            }
            foreach (int domain in gone)
            {
                _domains.Remove(domain, out CancellationTokenSource? watching);
                await watching!.CancelAsync();
                loop.Post(() => loop.Remove(new ConsoleId(domain, 0)));
                _extras!.RemoveDomain(domain);
            }
        }
        finally
        {
            _listing.Release();
        }
    }

    private async Task WatchDomainAsync(int domain, CancellationToken cancellation)
    {
        string folder = Folder(domain);
        try
        {
            await foreach (XenstoreEvent change in xenstore.WatchAsync(folder, cancellation: cancellation))
            {
                // Written here or without a meaning for what is served.
                if (change.Path.EndsWith("/tty", StringComparison.Ordinal) && change.Path.Length == folder.Length + 4)
                    continue;
                if (await ReadSettingsAsync(domain, cancellation) is { } settings && !cancellation.IsCancellationRequested)
                    loop.Post(() => AttachUnlessGone(new ConsoleId(domain, 0), settings, cancellation));
            }
        }
        catch (Exception failure) when (failure is OperationCanceledException or IOException or XenstoreException)
        {
            if (failure is XenstoreException)
                options.Report($"domain {domain}: {failure.Message}");
        }
    }

    private void AttachUnlessGone(ConsoleId id, ConsoleSettings settings, CancellationToken cancellation)
    {
        if (!cancellation.IsCancellationRequested)
            loop.Attach(id, settings);
    }

    /// <summary>Null if the console is not there yet, or is somebody else's.</summary>
    private async Task<ConsoleSettings?> ReadSettingsAsync(int domain, CancellationToken cancellation)
    {
        string folder = Folder(domain);
        if (await Store.ReadAsync($"{folder}/ring-ref", cancellation) is not { } ring || await Store.ReadAsync($"{folder}/port", cancellation) is not { } port)
            return null;
        if (await Store.ReadAsync($"{folder}/type", cancellation) is { } type && type != "xenconsoled")
            return null;
        if (!ulong.TryParse(ring, NumberStyles.None, CultureInfo.InvariantCulture, out ulong reference) ||
            !uint.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out uint portNumber))
        {
            options.Report($"domain {domain}: ring-ref '{ring}' or port '{port}' is no number");
            return null;
        }
        return new ConsoleSettings(reference, portNumber, Limit(await Store.ReadAsync($"{folder}/limit", cancellation)),
            await Store.ReadAsync($"/local/domain/{domain}/name", cancellation));
    }

    internal static int Limit(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int limit) ? Math.Min(limit, 1 << 28) : 0;

    /// <summary>Writes where the terminal is. Its readers trust the node, so the guest must not be able to write it.</summary>
    private async Task TellTerminalAsync(ConsoleId id, string name)
    {
        string path = id.Number == 0 ? $"{Folder(id.Domain)}/tty" : $"/local/domain/{id.Domain}/device/console/{id.Number}/tty";
        try
        {
            await Store.WriteAsync(path, name);
            bool isSafe = true;
            IReadOnlyList<XenstorePermission> permissions = await Store.GetPermissionsAsync(path);
            for (int index = 0; index < permissions.Count; index++)
            {
                // The first one names the owner, who may do anything, and what others may.
                isSafe &= index == 0 ? permissions[0].Domain == 0 && permissions[0].Letter is 'n' or 'r' : permissions[index].Domain == 0 || permissions[index].Letter is 'n' or 'r';
            }
            if (!isSafe)
                await Store.SetPermissionsAsync(path, [new XenstorePermission('n', 0), new XenstorePermission('r', id.Domain)]);
        }
        catch (Exception failure) when (failure is IOException or XenstoreException)
        {
            options.Report($"{id}: the terminal {name} cannot be told: {failure.Message}");
        }
    }

    private static string Folder(int domain) => string.Create(CultureInfo.InvariantCulture, $"/local/domain/{domain}/console");
}
