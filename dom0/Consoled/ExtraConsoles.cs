// SPDX-License-Identifier: MIT
// Consoles besides the first one: devices with a backend in dom0, as xen/include/public/io/console.h and xenbus.h describe them. Used by ConsoleService.
//
// The frontend waits for InitWait, writes `ring-ref` (a grant) and `port`, says Initialised, and waits for Connected.

using System;
using System.Collections.Concurrent;
using System.Globalization;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using XenSharp.XenstoreClient;

namespace XenSharp.Consoled;

internal sealed class ExtraConsoles(XenstoreConnection xenstore, ConsoleLoop loop, DaemonOptions options)
{
    private const string Backends = "/local/domain/0/backend/console";

    // enum xenbus_state.
    private const string Initialising = "1", InitWait = "2", Initialised = "3", Connected = "4", Closing = "5", Closed = "6";

    private readonly ConcurrentDictionary<ConsoleId, CancellationTokenSource> _watched = new();

    private XenstoreView Store => xenstore.Store;

    /// <summary>Until it is cancelled or xenstore is gone.</summary>
    public async Task WatchAsync(CancellationToken cancellation)
    {
        await foreach (XenstoreEvent change in xenstore.WatchAsync(Backends, cancellation: cancellation))
        {
            if (change.Path == Backends)
                await FindAllAsync(cancellation);
            else if (TryParse(change.Path, out ConsoleId id))
                Begin(id, cancellation);
        }
    }

    public void RemoveDomain(int domain)
    {
        foreach (ConsoleId id in _watched.Keys)
        {
            if (id.Domain == domain)
                End(id);
        }
    }

    /// <summary>The console that a backend's node belongs to; the first one is none of these.</summary>
    internal static bool TryParse(string path, out ConsoleId id)
    {
        id = default;
        string[] parts = path.StartsWith(Backends + "/", StringComparison.Ordinal) ? path[(Backends.Length + 1)..].Split('/') : [];
        if (parts.Length < 2 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int domain) ||
            !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number == 0)
            return false;
        id = new ConsoleId(domain, number);
        return true;
    }

    private async Task FindAllAsync(CancellationToken cancellation)
    {
        foreach (string domain in await Store.ListOrNoneAsync(Backends, cancellation))
        {
            foreach (string number in await Store.ListOrNoneAsync($"{Backends}/{domain}", cancellation))
            {
                if (TryParse($"{Backends}/{domain}/{number}", out ConsoleId id))
                    Begin(id, cancellation);
            }
        }
    }

    private void Begin(ConsoleId id, CancellationToken cancellation)
    {
        CancellationTokenSource watching = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (_watched.TryAdd(id, watching))
            _ = ServeAsync(id, watching.Token);
        else
            watching.Dispose();
    }

    private void End(ConsoleId id)
    {
        if (!_watched.TryRemove(id, out CancellationTokenSource? watching))
            return;
        watching.Cancel();
        loop.Post(() => loop.Remove(id));
    }

    private async Task ServeAsync(ConsoleId id, CancellationToken cancellation)
    {
        string back = string.Create(CultureInfo.InvariantCulture, $"{Backends}/{id.Domain}/{id.Number}");
        string front = string.Create(CultureInfo.InvariantCulture, $"/local/domain/{id.Domain}/device/console/{id.Number}");
        try
        {
            // The toolstack writes both folders in one transaction.
            string? type = await Store.ReadAsync($"{back}/type", cancellation) ?? await Store.ReadAsync($"{front}/type", cancellation);
            if (type != "xenconsoled")
                return;
            await foreach (XenstoreEvent _ in xenstore.WatchAsync($"{front}/state", cancellation: cancellation))
            {
                if (!await StepAsync(id, back, front, cancellation))
                    break;
            }
            End(id);
        }
        catch (Exception failure) when (failure is OperationCanceledException or IOException or XenstoreException)
        {
            if (failure is XenstoreException)
                options.Report($"{id}: {failure.Message}");
        }
    }

    /// <summary>False when the device is no more.</summary>
    private async Task<bool> StepAsync(ConsoleId id, string back, string front, CancellationToken cancellation)
    {
        if (await Store.ReadAsync($"{back}/state", cancellation) is not { } ours)
            return false;
        switch (await Store.ReadAsync($"{front}/state", cancellation))
        {
            case Initialising when ours is Initialising or Closed:
                await Store.WriteAsync($"{back}/state", InitWait, cancellation);
                return true;
            case Initialised or Connected:
                if (await AttachAsync(id, front, cancellation) && ours != Connected)
                    await Store.WriteAsync($"{back}/state", Connected, cancellation);
                return true;
            case Closing or Closed:
                loop.Post(() => loop.Remove(id));
                await Store.WriteAsync($"{back}/state", Closed, cancellation);
                return true;
            case null:
                return false;
            default:
                return true;
        }
    }

    private async Task<bool> AttachAsync(ConsoleId id, string front, CancellationToken cancellation)
    {
        if (!ulong.TryParse(await Store.ReadAsync($"{front}/ring-ref", cancellation), NumberStyles.None, CultureInfo.InvariantCulture, out ulong reference) || reference > uint.MaxValue ||
            !uint.TryParse(await Store.ReadAsync($"{front}/port", cancellation), NumberStyles.None, CultureInfo.InvariantCulture, out uint port))
        {
            options.Report($"{id}: the guest's ring-ref or port is no number");
            return false;
        }
        int limit = ConsoleService.Limit(await Store.ReadAsync($"{front}/limit", cancellation));
        ConsoleSettings settings = new(reference, port, limit, await Store.ReadAsync($"/local/domain/{id.Domain}/name", cancellation));
        TaskCompletionSource<bool> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(() => done.SetResult(!cancellation.IsCancellationRequested && loop.Attach(id, settings)));
        return await done.Task.WaitAsync(cancellation);
    }
}
