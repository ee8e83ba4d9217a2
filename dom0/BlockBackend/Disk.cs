// SPDX-License-Identifier: MIT
// One disk of the guest: its backend directory in xenstore, its image, and its queues while a frontend is connected.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Threading;
using XenSharp.BlockBackend.Images;
using XenSharp.BlockBackend.Rings;
using XenSharp.BlockBackend.Xenbus;

namespace XenSharp.BlockBackend;

/// <summary>Serves one ring of a frontend until it is disposed. Throws what the kernel refuses.</summary>
internal delegate IDisposable QueueStarter(DiskImage image, ushort domain, RingProtocol protocol, FrontendRing offer, Action<string> complain);

/// <summary>
/// Follows the two states of the xenbus protocol. All calls come from the thread that reads xenstore's events. A frontend or an
/// image that cannot be served closes this disk only.
/// </summary>
internal sealed class Disk : IDisposable
{
    private const int MaxQueues = 8, MaxRingPageOrder = 4, MaxLines = 100;

    private readonly DeviceStore _store;
    private readonly ushort _domain;
    private readonly string _backend;
    private readonly string _frontend;
    private readonly DiskImage _image;
    private readonly QueueStarter _start;
    private readonly Action<string> _log;
    private readonly List<IDisposable> _queues = [];
    private IDisposable? _watch;
    private int _lines;

    private Disk(DeviceStore store, ushort domain, string backend, string frontend, DiskImage image, QueueStarter start, Action<string> log)
    {
        _store = store;
        _domain = domain;
        _backend = backend;
        _frontend = frontend;
        _image = image;
        _start = start;
        _log = log;
    }

    /// <summary>The frontend's directory; a change there is told by <see cref="Follow"/>.</summary>
    public string Frontend => _frontend;

    /// <summary>The backend has been taken down and nothing is left to do.</summary>
    public bool IsGone { get; private set; }

    /// <summary>Opens the image of a new backend directory and announces what the backend can do.</summary>
    public static Disk Open(DeviceStore store, ushort domain, string backend, QueueStarter start, Action<string> log)
    {
        string frontend = store.Read(backend + "/frontend") ?? throw new InvalidDataException($"{backend} names no frontend");
        string parameters = store.Read(backend + "/params") ?? throw new InvalidDataException($"{backend} has no params");
        bool readOnly = store.Read(backend + "/mode")?.StartsWith('w') != true;
        DiskImage image = ImageOpener.Open(parameters, readOnly);
        var disk = new Disk(store, domain, backend, frontend, image, start, log);
        disk.Announce(store.Read(backend + "/discard-enable") != "0" && !readOnly);
        disk._watch = store.Watch(frontend + "/state");
        log($"{backend}: {parameters}, {image.Length >> 20} MiB{(readOnly ? ", read-only" : "")}");
        return disk;
    }

    /// <summary>Looks at both states and takes the next step.</summary>
    public void Follow()
    {
        if (_store.Read(_backend + "/state") is not string own)
        {
            Disconnect();
            IsGone = true;
            return;
        }

        XenbusState mine = Parse(own), theirs = Parse(_store.Read(_frontend + "/state"));
        bool leaves = theirs is XenbusState.Closing or XenbusState.Closed || (theirs == XenbusState.Unknown && _queues.Count > 0);
        if (mine == XenbusState.Closing || leaves)
            Close(theirs);
        else if (theirs is XenbusState.Initialised or XenbusState.Connected && _queues.Count == 0)
            Connect();
        else if (theirs == XenbusState.Initialising && mine == XenbusState.Closed && IsOnline)
            SetState(XenbusState.InitWait);
    }

    public void Dispose()
    {
        _watch?.Dispose();
        Disconnect();
        _image.Dispose();
    }

    private bool IsOnline => _store.Read(_backend + "/online") == "1";

    private void Announce(bool discard)
    {
        Write("feature-flush-cache", "1");
        Write("feature-max-indirect-segments", Text(RequestBatch.MaxIndirectSegments));
        Write("feature-persistent", "0");
        Write("multi-queue-max-queues", Text(Math.Min(MaxQueues, Environment.ProcessorCount)));
        Write("max-ring-page-order", Text(MaxRingPageOrder));
        if (discard)
        {
            Write("feature-discard", "1");
            Write("discard-granularity", Text(4096));
            Write("discard-alignment", "0");
            Write("discard-secure", "0");
        }

        SetState(XenbusState.InitWait);
    }

    private void Connect()
    {
        const int readOnlyFlag = 4;
        try
        {
            FrontendRings rings = FrontendRings.Read(_store, _frontend, Math.Min(MaxQueues, Environment.ProcessorCount), MaxRingPageOrder);
            foreach (FrontendRing ring in rings.Rings)
                _queues.Add(_start(_image, _domain, rings.Protocol, ring, Complain));
        }
        catch (Exception fault) when (fault is InvalidDataException or IOException)
        {
            Complain($"{_frontend}: {fault.Message}");
            Disconnect();
            SetState(XenbusState.Closing);
            return;
        }

        Write("sectors", Text(_image.Length / DiskImage.SectorSize));
        Write("sector-size", Text(DiskImage.SectorSize));
        Write("physical-sector-size", Text(DiskImage.SectorSize));
        Write("info", Text(_image.IsReadOnly ? readOnlyFlag : 0));
        SetState(XenbusState.Connected);
        Complain($"connected, {_queues.Count} queue(s)");
    }

    // libxl sets the backend to Closing, the guest's kernel the frontend; whoever starts, the backend is Closed when the frontend is.
    private void Close(XenbusState theirs)
    {
        Disconnect();
        XenbusState target = theirs is XenbusState.Closed or XenbusState.Unknown ? XenbusState.Closed : XenbusState.Closing;
        if (Parse(_store.Read(_backend + "/state")) is XenbusState mine && mine != target && mine != XenbusState.Closed)
            SetState(target);
        if (target == XenbusState.Closed && !IsOnline)
            IsGone = true;
    }

    private void Disconnect()
    {
        foreach (IDisposable queue in _queues)
            queue.Dispose();
        _queues.Clear();
    }

    // A frontend that comes and goes without end must not fill the log. Queues call this too.
    private void Complain(string what)
    {
        int line = Interlocked.Increment(ref _lines);
        if (line <= MaxLines)
            _log($"{_backend}: {what}");
        else if (line == MaxLines + 1)
            _log($"{_backend}: no more is told of this disk");
    }

    private void SetState(XenbusState state) => Write("state", Text((int)state));

    private void Write(string name, string value) => _store.Write($"{_backend}/{name}", value);

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static XenbusState Parse(string? value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int state) ? (XenbusState)state : XenbusState.Unknown;
}
