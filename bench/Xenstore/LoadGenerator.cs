// SPDX-License-Identifier: MIT
// Clients that ask and wait for the answer, any number of them in one thread, and what they measured.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using XenSharp.Abi;
using XenSharp.Interop;

namespace XenSharp.Bench.Xenstore;

/// <summary>What one client does: a request, its answer, the next request.</summary>
internal abstract class Workload
{
    /// <summary>The next request; the array must not change until its answer has come.</summary>
    public abstract byte[] Next();

    /// <summary>Whether the answer ends a unit of what is counted. Called for answers and events alike.</summary>
    public abstract bool OnMessage(ReadOnlySpan<byte> message);

    /// <summary>Whether the message is what <see cref="Next"/> may follow.</summary>
    public virtual bool IsLast(ReadOnlySpan<byte> message) => true;

    public int Failures { get; protected set; }
}

internal sealed record LoadResult(double PerSecond, double P50Us, double P99Us, double P999Us, double MaxUs, long Count, int Failures);

internal sealed class LoadGenerator : IDisposable
{
    private readonly Epoll _epoll = new();
    private readonly List<LoadClient> _clients = [];

    public LoadGenerator(string path, IEnumerable<Workload> workloads)
    {
        foreach (Workload workload in workloads)
        {
            LoadClient client = new(UnixSocket.Connect(path, isBlocking: false), workload);
            _epoll.Add(client.Descriptor, EpollFlags.Read, _clients.Count);
            _clients.Add(client);
        }
    }

    /// <summary>Runs for a time, or until so many units are done.</summary>
    public LoadResult Run(TimeSpan duration, long mostUnits = long.MaxValue)
    {
        EpollEvent[] events = new EpollEvent[256];
        List<long> latencies = new(1 << 20);
        Stopwatch clock = Stopwatch.StartNew();
        long end = (long)(duration.TotalSeconds * Stopwatch.Frequency);
        foreach (LoadClient client in _clients)
            client.Ask();
        int busy = _clients.Count;
        double seconds = 0;
        while (busy > 0)
        {
            int count = _epoll.Wait(events, 10_000);
            if (count == 0)
                throw new InvalidOperationException("The server does not answer.");
            for (int index = 0; index < count; index++)
            {
                LoadClient client = _clients[events[index].Key];
                if (!client.Receive(latencies))
                    continue;
                if (clock.ElapsedTicks < end && latencies.Count < mostUnits)
                    client.Ask();
                else
                    busy--;
            }
            if (busy == _clients.Count)
                seconds = clock.Elapsed.TotalSeconds;
        }
        if (mostUnits != long.MaxValue)
            seconds = clock.Elapsed.TotalSeconds;
        long[] sorted = [.. latencies.Order()];
        int failures = _clients.Sum(client => client.Workload.Failures);
        return new LoadResult(sorted.Length / seconds, At(sorted, 0.5), At(sorted, 0.99), At(sorted, 0.999), At(sorted, 1), sorted.Length, failures);
    }

    public void Dispose()
    {
        foreach (LoadClient client in _clients)
            UnixSocket.Close(client.Descriptor);
        _epoll.Dispose();
    }

    private static double At(long[] sorted, double share) =>
        sorted.Length == 0 ? 0 : sorted[Math.Min((int)(share * sorted.Length), sorted.Length - 1)] * 1e6 / Stopwatch.Frequency;

    private sealed class LoadClient(int descriptor, Workload workload)
    {
        private readonly byte[] _buffer = new byte[64 * 1024];
        private int _length;
        private long _unitStart;
        private bool _isNewUnit = true;

        public int Descriptor { get; } = descriptor;

        public Workload Workload { get; } = workload;

        public void Ask()
        {
            if (_isNewUnit)
                _unitStart = Stopwatch.GetTimestamp();
            _isNewUnit = false;
            byte[] request = Workload.Next();
            if (UnixSocket.Send(Descriptor, request) != request.Length)
                throw new InvalidOperationException("The server does not take a whole request.");
        }

        /// <summary>Whether the client may ask again.</summary>
        public bool Receive(List<long> latencies)
        {
            int received = UnixSocket.Receive(Descriptor, _buffer.AsSpan(_length));
            if (received == 0)
                throw new InvalidOperationException("The server has closed the connection.");
            _length += Math.Max(received, 0);
            bool mayAsk = false;
            int start = 0;
            while (_length - start >= Requests.HeaderSize)
            {
                ReadOnlySpan<byte> rest = _buffer.AsSpan(start, _length - start);
                int size = Requests.Length(rest);
                if (rest.Length < size)
                    break;
                if (Workload.OnMessage(rest[..size]))
                {
                    latencies.Add(Stopwatch.GetTimestamp() - _unitStart);
                    _isNewUnit = true;
                }
                mayAsk |= Workload.IsLast(rest[..size]);
                start += size;
            }
            _buffer.AsSpan(start, _length - start).CopyTo(_buffer);
            _length -= start;
            return mayAsk;
        }
    }
}
