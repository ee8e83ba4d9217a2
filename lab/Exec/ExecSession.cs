// SPDX-License-Identifier: MIT
// Runs one command in a machine's dom0 and returns its status: what --exec does. Used by the run command and by boot tests.

using System;
using System.Diagnostics;
using System.IO;
using System.Threading;
using XenSharp.Lab.Machine;

namespace XenSharp.Lab.Exec;

/// <summary>
/// Decodes the console of a machine whose ramdisk ends with <see cref="Ramdisk.SessionSegment.ForCommand"/>. Throws <see cref="MachineException"/> with
/// one sentence when the machine panics, ends or falls silent before the command's status has come.
/// </summary>
public sealed class ExecSession
{
    /// <summary>How long dom0 may take to reach the command: far more than a slow host needs for the slowest boot.</summary>
    public static readonly TimeSpan BootTimeout = TimeSpan.FromSeconds(300);

    private static readonly TimeSpan s_silenceInBlock = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan s_lastWords = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(500);

    /// <summary>How long the machine may take to end after the command has.</summary>
    public TimeSpan PowerOff { get; init; } = TimeSpan.FromSeconds(10);

    private readonly object _gate = new();
    private readonly ExecDecoder _decoder;
    private readonly TroubleDetector _trouble = new();
    private readonly Stream _output;
    private readonly Stream _errors;
    private QemuMachine? _machine;
    private long _lastReceived;
    private bool _started;
    private bool _finished;
    private int? _status;

    public ExecSession(string token, Stream output, Stream errors)
    {
        _output = output;
        _errors = errors;
        _decoder = new ExecDecoder(token);
        _decoder.Started += () => _started = true;
        _decoder.Output += (isError, data) => (isError ? _errors : _output).Write(data);
        _decoder.Answer += answer => _machine?.Send(answer + "\n");
        _decoder.Finished += status => (_finished, _status) = (true, status);
    }

    /// <summary>Starts the machine, waits for the command's end and for the machine's, and returns the command's exit status.</summary>
    /// <param name="timeout">For boot and command together; without it only the boot is limited.</param>
    public int Run(MachineConfiguration configuration, TimeSpan? timeout = null)
    {
        Stopwatch clock = Stopwatch.StartNew();
        using QemuMachine machine = QemuMachine.Start(configuration, Feed);
        lock (_gate)
            _machine = machine;
        Stopwatch? sinceTrouble = null;
        lock (_gate)
        {
            while (!_finished)
            {
                if (machine.HasEnded)
                    throw Failed(machine, _trouble.Trouble is { } last ? Explain(last) : "The machine ended before the command had finished.");
                if (_trouble.Trouble is { } line && (sinceTrouble ??= Stopwatch.StartNew()).Elapsed > s_lastWords)
                    throw Failed(machine, Explain(line));
                if (!_started && clock.Elapsed > (timeout ?? BootTimeout))
                    throw Failed(machine, $"dom0 did not come up within {(timeout ?? BootTimeout).TotalSeconds:0} s.");
                if (timeout is { } limit && clock.Elapsed > limit)
                    throw Failed(machine, $"The command did not finish within {limit.TotalSeconds:0} s.");
                if (_decoder.IsInBlock && Stopwatch.GetElapsedTime(_lastReceived) > s_silenceInBlock)
                {
                    _lastReceived = Stopwatch.GetTimestamp();
                    _decoder.Retry();
                }
                Monitor.Wait(_gate, s_look);
            }
        }
        _output.Flush();
        _errors.Flush();
        machine.Ended.Wait(PowerOff);
        return _status ?? throw Failed(machine, _decoder.Failure);
    }

    private void Feed(ReadOnlyMemory<byte> bytes)
    {
        lock (_gate)
        {
            _lastReceived = Stopwatch.GetTimestamp();
            _trouble.Feed(bytes.Span);
            _decoder.Feed(bytes.Span);
            Monitor.PulseAll(_gate);
        }
    }

    private static string Explain(string line) => $"The machine failed: \"{line}\".";

    private static MachineException Failed(QemuMachine machine, string sentence) => new(sentence, machine.Tail(), machine.Complaints);
}
