// SPDX-License-Identifier: MIT
// The daemon's loop: one thread, one epoll, any number of consoles. It never waits for xenstore: ConsoleService reads and writes there and posts what to do.

using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using XenSharp.Control;
using XenSharp.Interop;

namespace XenSharp.Consoled;

internal sealed class ConsoleLoop : IDisposable
{
    private const int WakeKey = 0, EventKey = 1, FirstSlot = 2;

    /// <summary>Events taken in one turn, so that terminals have theirs.</summary>
    private const int EventsPerTurn = 256;

    private readonly ConsoleHost _host;
    private readonly DaemonOptions _options;
    private readonly Epoll _epoll = new();
    private readonly WakeEvent _wake = new();
    private readonly ConcurrentQueue<Action> _posted = new();
    private readonly Dictionary<ConsoleId, GuestConsole> _consoles = [];
    private readonly Dictionary<uint, GuestConsole> _ports = [];
    private readonly Dictionary<int, GuestConsole> _slots = [];
    private readonly PriorityQueue<GuestConsole, long> _throttled = new();
    private readonly HypervisorLog? _hypervisorLog;
    private int _lastSlot = FirstSlot;
    private bool _isStopping;

    public ConsoleLoop(ConsoleHost host, DaemonOptions options)
    {
        _host = host;
        _options = options;
        _epoll.Add(_wake.Descriptor, EpollFlags.Read, WakeKey);
        _epoll.Add(host.EventDescriptor, EpollFlags.Read, EventKey);
        if (options.LogsHypervisor)
            _hypervisorLog = new HypervisorLog(host, options);
    }

    /// <summary>Told on the loop's thread when a console has a new terminal.</summary>
    public Action<ConsoleId, string> TerminalMade { get; set; } = (_, _) => { };

    /// <summary>Milliseconds, by which consoles that send too many events are slowed down; tests set it.</summary>
    public Func<long> Clock { get; init; } = static () => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1000);

    public int Count => _consoles.Count;

    /// <summary>Lets the loop's thread do something; from any thread.</summary>
    public void Post(Action action)
    {
        _posted.Enqueue(action);
        _wake.Set();
    }

    public void Stop() => Post(() => _isStopping = true);

    /// <summary>Until <see cref="Stop"/>.</summary>
    public void Run()
    {
        EpollEvent[] events = new EpollEvent[256];
        while (!_isStopping)
            Turn(events, WaitMs());
    }

    /// <summary>Waits for events at most so long, and serves them.</summary>
    internal void Turn(EpollEvent[] events, int timeoutMs)
    {
        int count = _epoll.Wait(events, timeoutMs);
        foreach (EpollEvent seen in events.AsSpan(0, count))
        {
            switch (seen.Key)
            {
                case WakeKey: _wake.Reset(); break;
                case EventKey: TakeEvents(); break;
                default:
                    if (_slots.TryGetValue(seen.Key, out GuestConsole? console))
                        Guard(console, () => ServeTerminal(console, seen.Flags));
                    break;
            }
        }
        ResumeThrottled();
        while (_posted.TryDequeue(out Action? action))
            action();
    }

    /// <summary>Begins to serve a console, or takes over what has changed. True if it is served.</summary>
    public bool Attach(ConsoleId id, ConsoleSettings settings)
    {
        if (!_consoles.TryGetValue(id, out GuestConsole? console))
        {
            console = new GuestConsole(id, ++_lastSlot, _host, _options);
            _consoles.Add(id, console);
            _slots.Add(console.Slot, console);
        }
        uint before = console.IsBound ? console.Port : uint.MaxValue;
        try
        {
            bool hasTerminal = console.Attach(settings);
            Rebind(console, before);
            if (hasTerminal)
                Watch(console);
            // Something may have been written before anybody listened.
            if (before != console.Port && console.OnEvent(Clock()))
                _throttled.Enqueue(console, console.NextEvent);
            UpdateInterest(console);
            return true;
        }
        catch (Exception failure) when (IsExpected(failure))
        {
            Rebind(console, before);
            _options.Report($"{id}: {failure.Message}");
            return false;
        }
    }

    public void Remove(ConsoleId id)
    {
        if (!_consoles.Remove(id, out GuestConsole? console))
            return;
        _slots.Remove(console.Slot);
        if (console.IsBound)
            _ports.Remove(console.Port);
        if (console.Terminal is { } terminal)
            _epoll.Remove(terminal.Master);
        Guard(console, console.Dispose);
    }

    public void ReopenLogs()
    {
        foreach (GuestConsole console in _consoles.Values)
            console.ReopenLog();
        _hypervisorLog?.Reopen();
    }

    public void Dispose()
    {
        foreach (ConsoleId id in new List<ConsoleId>(_consoles.Keys))
            Remove(id);
        _hypervisorLog?.Dispose();
        _epoll.Dispose();
        _wake.Dispose();
    }

    internal GuestConsole? Find(ConsoleId id) => _consoles.GetValueOrDefault(id);

    internal int WaitMs() => _posted.IsEmpty
        ? _throttled.TryPeek(out _, out long end) ? (int)Math.Clamp(end - Clock(), 1, 1000) : -1
        : 0;

    private static bool IsExpected(Exception failure) => failure is IOException or HypercallException or UnauthorizedAccessException;

    private void TakeEvents()
    {
        for (int taken = 0; taken < EventsPerTurn && _host.TryTakeEvent(out uint port); taken++)
        {
            if (_hypervisorLog is { } log && log.Port == port)
                log.Take();
            else if (_ports.TryGetValue(port, out GuestConsole? console))
                Guard(console, () => ServeEvent(console));
        }
    }

    private void ServeEvent(GuestConsole console)
    {
        if (console.OnEvent(Clock()))
            _throttled.Enqueue(console, console.NextEvent);
        // Most of the time the terminal takes it at once.
        if (console.Terminal is not null && !console.WriteTerminal())
            RenewTerminal(console);
        UpdateInterest(console);
    }

    private void ServeTerminal(GuestConsole console, EpollFlags flags)
    {
        if (console.Terminal is null)
            return;
        bool isWhole = (flags & (EpollFlags.Error | EpollFlags.HangUp)) == 0;
        if (isWhole && (flags & EpollFlags.Read) != 0)
            isWhole = console.ReadTerminal();
        if (isWhole && (flags & EpollFlags.Write) != 0)
            isWhole = console.WriteTerminal();
        if (!isWhole)
            RenewTerminal(console);
        UpdateInterest(console);
    }

    private void RenewTerminal(GuestConsole console)
    {
        _epoll.Remove(console.Terminal!.Master);
        console.RenewTerminal();
        Watch(console);
    }

    private void Watch(GuestConsole console)
    {
        console.Interest = EpollFlags.None;
        _epoll.Add(console.Terminal!.Master, EpollFlags.None, console.Slot);
        TerminalMade(console.Id, console.Terminal.Name);
    }

    private void UpdateInterest(GuestConsole console)
    {
        EpollFlags wanted = console.WantedInterest;
        if (console.Terminal is null || wanted == console.Interest)
            return;
        console.Interest = wanted;
        _epoll.Modify(console.Terminal.Master, wanted, console.Slot);
    }

    private void ResumeThrottled()
    {
        if (_throttled.Count == 0)
            return;
        long now = Clock();
        while (_throttled.TryPeek(out GuestConsole? console, out long end) && end <= now)
        {
            _throttled.Dequeue();
            Guard(console, () => console.Resume());
        }
    }

    private void Rebind(GuestConsole console, uint before)
    {
        if (before != uint.MaxValue && (!console.IsBound || console.Port != before))
            _ports.Remove(before);
        if (console.IsBound)
            _ports[console.Port] = console;
    }

    /// <summary>What goes wrong with one console is said, and the others go on.</summary>
    private void Guard(GuestConsole console, Action action)
    {
        try
        {
            action();
        }
        catch (Exception failure) when (IsExpected(failure))
        {
            _options.Report($"{console.Id}: {failure.Message}");
        }
    }
}
