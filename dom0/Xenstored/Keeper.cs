// SPDX-License-Identifier: MIT
// The small process that outlives the daemon: it holds the listening socket and every client's, starts the daemon, and starts it again when it dies.
//
// It accepts clients and passes them on; it never reads or writes what they say. Each has a number, its slot. Messages to the daemon: a slot with its
// socket; AllPassed when a daemon that has just started has got all. Messages from the daemon: a slot that is free again; Ready when it serves; Update
// when it is about to end so that another program takes over; Leave when it ends for good.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Threading;
using XenSharp.Interop;

namespace XenSharp.Xenstored;

internal sealed class Keeper(string socketPath, IReadOnlyList<string> daemonArguments, Action<string> report)
{
    public const int AllPassed = -1;
    public const int Ready = -2;
    public const int Update = -3;
    public const int Leave = -4;

    public const int MostSockets = 3072;

    private const int ListenerKey = -1;
    private const int ChannelKey = -2;
    private const int UpdateTimeoutMs = 30_000;
    private const int FailedStartMs = 1000;

    private readonly SortedSet<int> _free = [];
    private readonly Dictionary<int, int> _sockets = [];
    private int _used;
    private Process? _daemon;

    /// <summary>Runs until the daemon leaves in good order; gives the exit status.</summary>
    /// <param name="onReady">Called when the first daemon serves.</param>
    public int Run(Action onReady)
    {
        int listener = UnixSocket.Listen(socketPath, 128);
        ProgramLine program = ProgramLine.Own();
        ProgramLine? update = null;
        int failedStarts = 0;
        bool wasReady = false;
        while (true)
        {
            ProgramLine current = update ?? program;
            Outcome outcome = RunDaemon(listener, current, update is not null, () =>
            {
                if (!wasReady)
                    onReady();
                wasReady = true;
            });
            if (outcome == Outcome.Left)
                return 0;
            if (update is not null)
            {
                if (outcome is Outcome.Died or Outcome.UpdateAsked)
                    program = update;       // It has served, so it is the program now.
                else
                    UpdateFile.NoteFailure(StateFolderOf(daemonArguments), "the new program did not take the state over");
                update = null;
            }
            if (outcome == Outcome.UpdateAsked)
            {
                update = UpdateFile.Read(StateFolderOf(daemonArguments))?.Program;
                continue;
            }
            if (outcome == Outcome.NeverReady && !wasReady)
                return 1;
            // One that cannot even start is not tried without end at full speed.
            failedStarts = outcome == Outcome.NeverReady ? failedStarts + 1 : 0;
            if (failedStarts > 20)
                Thread.Sleep(FailedStartMs);
            report("the daemon has ended; starting it again");
        }
    }

    /// <summary>SIGHUP goes on to the daemon, which opens its log again.</summary>
    public void SignalDaemon()
    {
        if (_daemon is { HasExited: false } daemon)
            Processes.Signal(daemon.Id, Processes.HangUp);
    }

    private static string StateFolderOf(IReadOnlyList<string> arguments) => arguments[^1];

    private Outcome RunDaemon(int listener, ProgramLine program, bool isTrial, Action onReady)
    {
        (DescriptorChannel channel, int there) = DescriptorChannel.Pair();
        using (channel)
        {
            try
            {
                _daemon = program.Start([.. isTrial ? ["--trial"] : Array.Empty<string>(), "--serve", there.ToString(), .. daemonArguments]);
            }
            catch (Exception failure) when (failure is System.ComponentModel.Win32Exception or IOException)
            {
                report($"{program.File} cannot be started: {failure.Message}");
                UnixSocket.Close(there);
                return Outcome.NeverReady;
            }
            UnixSocket.Close(there);
            foreach ((int number, int socket) in _sockets)
                channel.Send(number, socket);
            channel.Send(AllPassed);
            Outcome outcome = Serve(listener, channel, isTrial, onReady);
            if (outcome != Outcome.Left && !_daemon.WaitForExit(outcome == Outcome.UpdateAsked ? UpdateTimeoutMs : 0))
            {
                _daemon.Kill();
                _daemon.WaitForExit();
            }
            return outcome;
        }
    }

    private Outcome Serve(int listener, DescriptorChannel channel, bool isTrial, Action onReady)
    {
        using Epoll epoll = new();
        epoll.Add(listener, EpollFlags.Read, ListenerKey);
        epoll.Add(channel.Descriptor, EpollFlags.Read, ChannelKey);
        EpollEvent[] events = new EpollEvent[8];
        long deadline = Environment.TickCount64 + UpdateTimeoutMs;
        bool isReady = false;
        while (true)
        {
            int count = epoll.Wait(events, isTrial && !isReady ? (int)Math.Max(deadline - Environment.TickCount64, 0) : -1);
            if (count == 0 && isTrial && !isReady && Environment.TickCount64 >= deadline)
                return Outcome.NeverReady;
            for (int index = 0; index < count; index++)
            {
                if (events[index].Key == ListenerKey)
                {
                    Accept(listener, channel);
                    continue;
                }
                if (channel.Receive(out int number, out _) != TransferState.Done)
                    return isReady ? Outcome.Died : Outcome.NeverReady;
                switch (number)
                {
                    case Ready:
                        isReady = true;
                        onReady();
                        break;
                    case Update:
                        return Outcome.UpdateAsked;
                    case Leave:
                        return Outcome.Left;
                    default:
                        Free(number);
                        break;
                }
            }
        }
    }

    private void Accept(int listener, DescriptorChannel channel)
    {
        int socket = UnixSocket.Accept(listener);
        if (socket < 0)
            return;
        int number = _free.Count > 0 ? _free.Min : _used;
        if (number == MostSockets)
        {
            report($"more than {MostSockets} clients at once; one was turned away");
            UnixSocket.Close(socket);
            return;
        }
        if (!_free.Remove(number))
            _used++;
        _sockets.Add(number, socket);
        channel.Send(number, socket);
    }

    private void Free(int number)
    {
        if (!_sockets.Remove(number, out int socket))
            return;
        UnixSocket.Close(socket);
        _free.Add(number);
    }

    private enum Outcome
    {
        Died,
        NeverReady,
        UpdateAsked,
        Left,
    }
}

/// <summary>A program and the words that come before its own arguments.</summary>
internal sealed record ProgramLine(string File, IReadOnlyList<string> Words)
{
    /// <summary>This program, whether it is one file or run by `dotnet`.</summary>
    public static ProgramLine Own()
    {
        string file = Environment.ProcessPath!;
        return Path.GetFileNameWithoutExtension(file) == "dotnet" ? new ProgramLine(file, [Path.Combine(AppContext.BaseDirectory, "xensharp-xenstored.dll")]) : new ProgramLine(file, []);
    }

    public Process Start(IReadOnlyList<string> arguments)
    {
        ProcessStartInfo start = new(File, [.. Words, .. arguments]) { UseShellExecute = false };
        return Process.Start(start) ?? throw new IOException($"{File} does not start.");
    }

    /// <summary>With nothing of the terminal but its errors until it serves.</summary>
    public Process StartDetached(IReadOnlyList<string> arguments)
    {
        ProcessStartInfo start = new("setsid", [File, .. Words, .. arguments]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardInput = true };
        return Process.Start(start) ?? throw new IOException($"{File} does not start.");
    }
}
