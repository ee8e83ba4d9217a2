// SPDX-License-Identifier: MIT
// Bytes between this terminal and a guest's, until the escape character, the end of the console, or a signal. Used by ConsoleClient.

using System;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using XenSharp.Interop;
using XenSharp.XenstoreClient;

namespace XenSharp.Consoled;

/// <summary>Where the guest's terminal is: what a node of xenstore says now, and each time that it changes.</summary>
internal sealed class TerminalNode : IDisposable
{
    private readonly CancellationTokenSource _ending = new();
    private readonly ConcurrentQueue<string> _values = new();
    private readonly WakeEvent _wake = new();
    private readonly Task _watching;

    public TerminalNode(XenstoreConnection xenstore, string node) => _watching = Task.Run(() => WatchAsync(xenstore, node));

    /// <summary>Readable when <see cref="TryTake"/> has something.</summary>
    public int Descriptor => _wake.Descriptor;

    /// <summary>The newest value; empty if the node is empty, or gone, or xenstore is.</summary>
    public bool TryTake(out string value)
    {
        _wake.Reset();
        bool hasValue = false;
        value = "";
        while (_values.TryDequeue(out string? next))
            (hasValue, value) = (true, next);
        return hasValue;
    }

    public void Dispose()
    {
        _ending.Cancel();
        _watching.Wait();
        _ending.Dispose();
        _wake.Dispose();
    }

    private async Task WatchAsync(XenstoreConnection xenstore, string node)
    {
        try
        {
            await foreach (XenstoreEvent _ in xenstore.WatchAsync(node, cancellation: _ending.Token))
                Put(await xenstore.Store.ReadAsync(node, _ending.Token) ?? "");
        }
        catch (Exception failure) when (failure is IOException or XenstoreException or OperationCanceledException)
        {
            Put("");
        }
    }

    private void Put(string value)
    {
        _values.Enqueue(value);
        _wake.Set();
    }
}

internal sealed class TerminalBridge(TerminalNode terminals, int standardInput, int standardOutput) : IDisposable
{
    /// <summary>^].</summary>
    private const byte EscapeCharacter = 0x1D;

    private readonly WakeEvent _signalled = new();
    private int _guest = -1;

    public Action<string> Warn { get; init; } = _ => { };

    /// <summary>Waits until the node names a terminal that can be opened.</summary>
    public bool TryOpen(TimeSpan most)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            int leftMs = (int)(most - Stopwatch.GetElapsedTime(start)).TotalMilliseconds;
            if (leftMs < 0)
                return false;
            PollEntry entry = PollEntry.ForReading(terminals.Descriptor);
            Descriptors.Poll(new Span<PollEntry>(ref entry), leftMs);
            if (terminals.TryTake(out string path) && Open(path))
                return true;
        }
    }

    /// <param name="notify">A descriptor of whoever started this: gets one zero byte when both sides are joined.</param>
    /// <returns>The exit status.</returns>
    public int Run(bool isInteractive, int notify)
    {
        Terminal.TryMakeRaw(_guest, out _);
        byte[]? modes = null;
        if (Terminal.IsTerminal(standardInput) && Terminal.IsTerminal(standardOutput))
        {
            isInteractive = true;
            Terminal.TryMakeRaw(standardInput, out modes);
        }
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            _signalled.Set();
        });
        try
        {
            if (notify >= 0)
            {
                Descriptors.WriteAll(notify, [0]);
                Descriptors.Close(notify);
            }
            return Loop(isInteractive);
        }
        finally
        {
            if (modes is not null)
                Terminal.Restore(standardInput, modes);
        }
    }

    public void Dispose()
    {
        CloseGuest();
        _signalled.Dispose();
    }

    private int Loop(bool isInteractive)
    {
        Span<byte> bytes = stackalloc byte[512];
        Span<PollEntry> entries = stackalloc PollEntry[4];
        while (true)
        {
            entries[0] = PollEntry.ForReading(_signalled.Descriptor);
            entries[1] = PollEntry.ForReading(terminals.Descriptor);
            entries[2] = PollEntry.ForReading(isInteractive ? standardInput : -1);
            entries[3] = PollEntry.ForReading(_guest);
            Descriptors.Poll(entries, -1);
            if (entries[0].IsReady)
                return 0;
            if (entries[1].IsReady)
            {
                if (!terminals.TryTake(out string path))
                    continue;
                // What the guest said before its terminal was taken away.
                while (entries[3].IsReady && Descriptors.Read(_guest, bytes, out int rest) == TransferState.Done)
                {
                    Descriptors.WriteAll(standardOutput, bytes[..rest]);
                    entries[3] = PollEntry.ForReading(_guest);
                    Descriptors.Poll(entries[3..], 0);
                }
                CloseGuest();
                if (!Open(path))
                    return 0;
                Terminal.TryMakeRaw(_guest, out _);
                continue;
            }
            if (entries[2].IsReady)
            {
                TransferState state = Descriptors.Read(standardInput, bytes[..60], out int count);
                if (state == TransferState.Closed)
                    return 1;
                if (count == 1 && bytes[0] == EscapeCharacter)
                    return 0;
                if (count > 0 && _guest >= 0 && !Descriptors.WriteAll(_guest, bytes[..count]))
                    CloseGuest();
            }
            if (entries[3].IsReady && _guest >= 0)
            {
                TransferState state = Descriptors.Read(_guest, bytes, out int count);
                if (state == TransferState.Closed)
                    CloseGuest();
                else if (count > 0 && !Descriptors.WriteAll(standardOutput, bytes[..count]))
                    return 1;
            }
        }
    }

    private bool Open(string path)
    {
        if (path.Length == 0)
            return false;
        try
        {
            _guest = Terminal.Open(path);
            return true;
        }
        catch (SystemFailure failure)
        {
            Warn($"Could not open tty `{path}': {failure.Message}");
            return false;
        }
    }

    private void CloseGuest()
    {
        if (_guest >= 0)
            Descriptors.Close(_guest);
        _guest = -1;
    }
}
