// SPDX-License-Identifier: MIT
// One queue of a disk: a ring, an event channel, and the thread that serves them.

using System;
using System.IO;
using System.Threading;
using XenSharp.BlockBackend.Images;
using XenSharp.BlockBackend.Rings;
using XenSharp.BlockBackend.Xenbus;
using XenSharp.Interop;

namespace XenSharp.BlockBackend;

/// <summary>Started when a frontend connects, stopped when it leaves. A queue whose frontend breaks the protocol stops serving; the others go on.</summary>
internal sealed class BlockQueue : IDisposable
{
    private const int MaxComplaints = 20;

    private readonly GrantDevice _grants = new();
    private readonly EventChannelDevice _events = new();
    private readonly SharedPages _pages;
    private readonly BlockRing _ring;
    private readonly RequestBatch _batch;
    private readonly FrontendLink _link;
    private readonly Action<string> _complain;
    private readonly Thread _thread;
    private int _complaints;
    private volatile bool _stops;

    private BlockQueue(DiskImage image, ushort domain, RingProtocol protocol, FrontendRing offer, Action<string> complain)
    {
        _complain = complain;
        try
        {
            _pages = _grants.Map(domain, offer.References);
            uint port = _events.BindInterdomain(domain, offer.Port);
            _link = new GrantLink(_grants, _events, port);
        }
        catch
        {
            Release();
            throw;
        }

        _ring = new BlockRing(_pages, protocol);
        _batch = new RequestBatch(image, _link, domain, Complain);
        _thread = new Thread(Serve) { IsBackground = true, Name = "queue" };
    }

    public static IDisposable Start(DiskImage image, ushort domain, RingProtocol protocol, FrontendRing offer, Action<string> complain)
    {
        var queue = new BlockQueue(image, domain, protocol, offer, complain);
        queue._thread.Start();
        return queue;
    }

    /// <summary>Finishes the batch under way, however many requests the frontend adds, then lets go of the frontend's pages and port.</summary>
    public void Dispose()
    {
        _stops = true;
        _events.Stop();
        _thread.Join();
        Release();
    }

    private void Serve()
    {
        try
        {
            do
            {
                ServeAll();
            }
            while (WaitForEvent());
        }
        catch (Exception fault) when (fault is InvalidDataException or IOException)
        {
            _complain($"queue stopped: {fault.Message}");
        }
    }

    private void ServeAll()
    {
        do
        {
            for (uint waiting = _ring.Waiting(); waiting > 0 && !_stops; waiting = _ring.Waiting())
            {
                for (; waiting > 0 && _batch.HasRoom; waiting--)
                    _batch.Add(_ring.Take());
                _batch.Execute(_ring);
                if (_ring.Publish())
                    _link.Notify();
            }
        }
        while (!_stops && _ring.AskForEvent());
    }

    private bool WaitForEvent()
    {
        if (!_events.Wait(out uint port))
            return false;
        _events.Unmask(port);
        return true;
    }

    // A hostile frontend must not fill the log.
    private void Complain(string what)
    {
        if (Interlocked.Increment(ref _complaints) <= MaxComplaints)
            _complain(what);
    }

    private void Release()
    {
        _pages?.Dispose();
        _events.Dispose();
        _grants.Dispose();
    }
}
