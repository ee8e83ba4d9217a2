// SPDX-License-Identifier: MIT
// The backend's xenstore: the project's client library, asked by one thread that waits for each answer. Made by Program.

using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using XenSharp.XenstoreClient;

namespace XenSharp.BlockBackend.Xenbus;

/// <summary>The events of all watches come in one queue, which has each watch at most once: a guest that writes without end fills nothing.</summary>
internal sealed class XenstoreLink : DeviceStore, IDisposable
{
    private readonly XenstoreConnection _connection;
    private readonly BlockingCollection<string> _events = [];
    private readonly HashSet<string> _pending = [];
    private readonly Lock _gate = new();

    private XenstoreLink(XenstoreConnection connection) => _connection = connection;

    public override IEnumerable<string> Events
    {
        get
        {
            foreach (string path in _events.GetConsumingEnumerable())
            {
                lock (_gate)
                    _pending.Remove(path);
                yield return path;
            }
        }
    }

    public static XenstoreLink Open() => new(XenstoreConnection.ConnectAsync().GetAwaiter().GetResult());

    public override string? Read(string path) => Ask(_connection.Store.ReadAsync(path));

    public override void Write(string path, string value) => Ask(WriteAsync(path, value));

    public override string[] List(string path) => Ask(_connection.Store.ListOrNoneAsync(path));

    public override IDisposable Watch(string path)
    {
        var watch = new WatchEnd();
        // Runs until the watch or the connection ends, and leaves its failure nowhere but in the end of the events.
        _ = FollowAsync(path, watch.Token);
        return watch;
    }

    /// <summary>Ends <see cref="Events"/>; may come from any thread, at any time.</summary>
    public void Stop() => _events.CompleteAdding();

    public void Dispose()
    {
        Stop();
        _connection.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    private async Task FollowAsync(string path, CancellationToken end)
    {
        try
        {
            await foreach (XenstoreEvent _ in _connection.WatchAsync(path, cancellation: end).ConfigureAwait(false))
            {
                lock (_gate)
                {
                    if (_pending.Add(path))
                        _events.Add(path, CancellationToken.None);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // This watch only.
        }
        catch (Exception fault) when (fault is IOException or XenstoreException or InvalidOperationException or ObjectDisposedException)
        {
            Stop();
        }
    }

    private async Task<bool> WriteAsync(string path, string value)
    {
        await _connection.Store.WriteAsync(path, value).ConfigureAwait(false);
        return true;
    }

    private static T Ask<T>(Task<T> answer)
    {
        try
        {
            return answer.GetAwaiter().GetResult();
        }
        catch (XenstoreException failure)
        {
            throw new IOException($"xenstore refuses: {failure.Message}", failure);
        }
    }

    private sealed class WatchEnd : IDisposable
    {
        private readonly CancellationTokenSource _source = new();

        public CancellationToken Token => _source.Token;

        public void Dispose()
        {
            _source.Cancel();
            _source.Dispose();
        }
    }
}
