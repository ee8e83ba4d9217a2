// SPDX-License-Identifier: MIT
// One console: its ring, its terminal, what waits between them, its log. Called by ConsoleLoop, on its thread only.

using System;
using XenSharp.Interop;

namespace XenSharp.Consoled;

internal sealed class GuestConsole(ConsoleId id, int slot, ConsoleHost host, DaemonOptions options) : IDisposable
{
    /// <summary>
    /// How many events are served in a row, and how long it takes until one more may be: some 30 in 200 ms, as Xen's xenconsoled. That one then takes no
    /// events for the rest of the 200 ms, in which a guest that writes much in small pieces waits for a ring of 2 KiB, by a loop of Linux's that keeps a CPU busy.
    /// </summary>
    private const int EventsInARow = 30;
    private const long EventMs = 7;

    private readonly OutputBuffer _buffer = new();
    private ConsoleRing? _ring;
    private LogFile? _log;
    private ConsoleSettings? _settings;

    // When all events served so far will be paid for, EventMs each.
    private long _paidFor;

    public ConsoleId Id => id;

    /// <summary>The terminal's key in the loop.</summary>
    public int Slot => slot;

    public PseudoTerminal? Terminal { get; private set; }

    public uint Port { get; private set; }

    public bool IsBound { get; private set; }

    /// <summary>What the loop waits for at the terminal.</summary>
    public EpollFlags Interest { get; set; }

    /// <summary>No event is taken before <see cref="NextEvent"/>.</summary>
    public bool IsThrottled { get; private set; }

    /// <summary>No event is taken before readers have made room.</summary>
    public bool IsHeld { get; private set; }

    public long NextEvent => _paidFor - ((EventsInARow - 1) * EventMs);

    public EpollFlags WantedInterest =>
        (_ring is { InputRoom: > 0 } ? EpollFlags.Read : EpollFlags.None) | (_buffer.IsEmpty ? EpollFlags.None : EpollFlags.Write);

    /// <summary>Maps and binds what the store says, or what has changed of it. True if the console has a new terminal, for its name to be told.</summary>
    public bool Attach(ConsoleSettings settings)
    {
        if (_settings is not null && settings.RingReference != _settings.RingReference)
            Detach();
        _ring ??= new ConsoleRing(host.MapRing(id, settings.RingReference));
        if (!IsBound || _settings is null || settings.Port != _settings.Port || !host.IsConnected(Port))
        {
            Unbind();
            Port = host.Bind(id.Domain, settings.Port);
            IsBound = true;
            IsThrottled = IsHeld = false;
        }
        _settings = settings;
        _buffer.Limit = settings.Limit > 0 ? settings.Limit : OutputBuffer.DefaultLimit;
        if (settings.Name is { Length: > 0 } name && options.LogsGuests)
        {
            string path = LogFile.GuestPath(options.LogFolder, name, id.Number);
            if (_log?.Path != path)
            {
                _log?.Dispose();
                _log = new LogFile(path, options.GuestLog, options.Report);
            }
        }
        if (Terminal is not null)
            return false;
        Terminal = PseudoTerminal.Open();
        return true;
    }

    /// <summary>The guest has written, or has read what it was given. True if the loop has to wake this console at <see cref="NextEvent"/>.</summary>
    public bool OnEvent(long now)
    {
        if (!IsBound)
            return false;
        _paidFor = Math.Max(_paidFor, now) + EventMs;
        Pull();
        if (!options.DiscardsOverflow && !_buffer.HasRoom)
            IsHeld = true;
        if (NextEvent > now)
            return IsThrottled = true;
        if (!IsHeld)
            host.Unmask(Port);
        return false;
    }

    /// <summary>One more event may be served.</summary>
    public void Resume()
    {
        if (!IsThrottled)
            return;
        IsThrottled = false;
        if (IsBound && !IsHeld)
            host.Unmask(Port);
    }

    /// <summary>What a reader has typed goes to the guest; false if the terminal is broken.</summary>
    public bool ReadTerminal()
    {
        Span<byte> typed = stackalloc byte[ConsoleRing.InputSize];
        int room = _ring?.InputRoom ?? 0;
        if (room == 0)
            return true;
        TransferState state = Terminal!.Read(typed[..room], out int count);
        if (state != TransferState.Done)
            return state == TransferState.Blocked;
        _ring!.GiveInput(typed[..count]);
        if (IsBound)
            host.Notify(Port);
        return true;
    }

    /// <summary>Gives readers what waits; false if the terminal is broken.</summary>
    public bool WriteTerminal()
    {
        if (_buffer.IsEmpty)
            return true;
        TransferState state = Terminal!.Write(_buffer.Next, out int count);
        if (state != TransferState.Done)
            return state == TransferState.Blocked;
        _buffer.Advance(count);
        if (IsHeld && _buffer.HasRoom)
        {
            IsHeld = false;
            if (IsBound && !IsThrottled)
                host.Unmask(Port);
        }
        return true;
    }

    /// <summary>After a terminal that broke: a new one; its name is to be told.</summary>
    public void RenewTerminal()
    {
        Terminal?.Dispose();
        Terminal = null;
        Interest = EpollFlags.None;
        Terminal = PseudoTerminal.Open();
    }

    public void ReopenLog() => _log?.Reopen();

    /// <summary>A last look at the ring, whose domain is dying, and the end.</summary>
    public void Dispose()
    {
        if (_ring is not null)
            Pull();
        Detach();
        Terminal?.Dispose();
        Terminal = null;
        _log?.Dispose();
        _log = null;
    }

    private void Pull()
    {
        Span<byte> text = stackalloc byte[ConsoleRing.OutputSize];
        int count = _ring!.TakeOutput(text);
        if (count == 0)
            return;
        if (IsBound)
            host.Notify(Port);
        _buffer.Append(text[..count]);
        // At once: without a reader the terminal takes no more, and what waits for it may be discarded.
        _log?.Append(text[..count]);
        if (options.DiscardsOverflow)
            _buffer.Trim();
    }

    private void Unbind()
    {
        if (IsBound)
            host.Unbind(Port);
        IsBound = false;
    }

    private void Detach()
    {
        Unbind();
        _ring?.Dispose();
        _ring = null;
    }
}
