// SPDX-License-Identifier: MIT
// The named steps of an operation on a domain: each with its time, and its name in what fails. Used by all operations of this library.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Net.Sockets;
using System.Threading.Tasks;
using XenSharp.Control;
using XenSharp.XenstoreClient;

namespace XenSharp.Toolstack;

/// <summary>A step that has been taken.</summary>
/// <param name="Started">Since the beginning of the operation.</param>
public readonly record struct StepRecord(string Name, TimeSpan Started, TimeSpan Duration);

/// <summary>One operation's trace. Steps may be taken at the same time where the operation does so.</summary>
public sealed class Steps
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly List<StepRecord> _taken = [];

    /// <summary>Called before each step with its name; what it throws fails the step. Tests put faults there, programs progress.</summary>
    public Action<string>? Before { get; init; }

    /// <summary>Called after each step that succeeded.</summary>
    public Action<StepRecord>? After { get; init; }

    public IReadOnlyList<StepRecord> Taken => _taken;

    /// <summary>Takes a step. Whatever fails in it becomes a <see cref="ToolstackException"/> with the step's name.</summary>
    public async Task<T> RunAsync<T>(string name, Func<Task<T>> work)
    {
        TimeSpan start = _clock.Elapsed;
        try
        {
            Before?.Invoke(name);
            T result = await work().ConfigureAwait(false);
            Record(name, start);
            return result;
        }
        catch (Exception failure) when (IsExpected(failure))
        {
            throw Named(failure, name);
        }
    }

    public Task RunAsync(string name, Func<Task> work) => RunAsync(name, async () =>
    {
        await work().ConfigureAwait(false);
        return true;
    });

    public T Run<T>(string name, Func<T> work)
    {
        TimeSpan start = _clock.Elapsed;
        try
        {
            Before?.Invoke(name);
            T result = work();
            Record(name, start);
            return result;
        }
        catch (Exception failure) when (IsExpected(failure))
        {
            throw Named(failure, name);
        }
    }

    public void Run(string name, Action work) => Run(name, () =>
    {
        work();
        return true;
    });

    /// <summary>What the world may cause, as against a fault of this program.</summary>
    internal static bool IsExpected(Exception failure) =>
        failure is ToolstackException or HypercallException or XenstoreException or IOException or UnauthorizedAccessException or SocketException or TimeoutException;

    private static ToolstackException Named(Exception failure, string step)
    {
        ToolstackException named = failure as ToolstackException
            ?? new ToolstackException($"{step}: {(failure is XenstoreException ? "xenstore refused: " : "")}{failure.Message}", failure);
        named.Step ??= step;
        return named;
    }

    private void Record(string name, TimeSpan start)
    {
        StepRecord record = new(name, start, _clock.Elapsed - start);
        lock (_taken)
        {
            _taken.Add(record);
            After?.Invoke(record);
        }
    }
}
