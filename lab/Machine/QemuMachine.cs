// SPDX-License-Identifier: MIT
// A machine in QEMU with its serial line. Used by the run command, by --exec and by every boot test.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Text.RegularExpressions;
using System.Threading;
using System.Threading.Tasks;
using XenSharp.Lab.Common;

namespace XenSharp.Lab.Machine;

/// <summary>
/// Starts QEMU, keeps what its serial line prints, sends to it, and ends it. QEMU dies with this process, however that ends.
/// Every method may be called from any thread.
/// </summary>
public sealed class QemuMachine : IDisposable
{
    private readonly Process _process;
    private readonly TemporaryFolder _folder = new();
    private readonly FileStream? _log;
    private readonly SerialTranscript _transcript = new();
    private readonly SerialInput _input;
    private readonly TaskCompletionSource<int> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<string> _complaints = [];
    private int _disposed;

    private QemuMachine(MachineConfiguration configuration, Action<ReadOnlyMemory<byte>>? onSerial)
    {
        Configuration = configuration;
        List<string> arguments = QemuArguments.Build(configuration, _folder.Folder);
        if (configuration.LogFile is not null)
            _log = new FileStream(configuration.LogFile, FileMode.Create, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        if (onSerial is not null)
            Received += onSerial;

        using ManualResetEventSlim started = new();
        Process? process = null;
        Exception? failure = null;
        // The kernel signals a child when the *thread* that made it ends; this one lives as long as QEMU does.
        Thread keeper = new(() =>
        {
            try
            {
                process = Launch(arguments);
            }
            catch (Exception error)
            {
                failure = error;
            }
            started.Set();
            process?.WaitForExit();
        })
        { IsBackground = true, Name = "QEMU keeper" };
        keeper.Start();
        started.Wait();
        _process = process ?? throw failure!;
        _input = new SerialInput(_process.StandardInput.BaseStream);
        new Thread(ReadSerial) { IsBackground = true, Name = "QEMU serial" }.Start();
        new Thread(ReadComplaints) { IsBackground = true, Name = "QEMU stderr" }.Start();
    }

    /// <summary>Each piece of output as it comes, on the reader's thread.</summary>
    public event Action<ReadOnlyMemory<byte>>? Received;

    public MachineConfiguration Configuration { get; }

    /// <summary>Everything that the serial line has printed, one character a byte.</summary>
    public string Transcript => _transcript.Text;

    /// <summary>Completes with QEMU's exit status when the machine has ended and all its output was delivered.</summary>
    public Task<int> Ended => _ended.Task;

    public bool HasEnded => _ended.Task.IsCompleted;

    /// <summary>QEMU's own messages, without the warnings about features that its emulator lacks.</summary>
    public string Complaints
    {
        get
        {
            lock (_complaints)
                return string.Join('\n', _complaints);
        }
    }

    /// <param name="onSerial">Subscribed to <see cref="Received"/> before the first byte.</param>
    public static QemuMachine Start(MachineConfiguration configuration, Action<ReadOnlyMemory<byte>>? onSerial = null) => new(configuration, onSerial);

    /// <summary>
    /// Waits until text after the last match matches; the next wait goes on behind it. Throws <see cref="MachineException"/> with the end of the console
    /// when the time is over or the machine ends first.
    /// </summary>
    public Match WaitFor(string pattern, TimeSpan timeout) => WaitFor(new Regex(pattern, RegexOptions.CultureInvariant | RegexOptions.Multiline), timeout);

    /// <inheritdoc cref="WaitFor(string, TimeSpan)"/>
    public Match WaitFor(Regex pattern, TimeSpan timeout)
    {
        Match? match = _transcript.WaitFor(pattern, timeout, out bool closed);
        if (match is not null)
            return match;
        string why = closed ? "the machine ended" : $"{timeout.TotalSeconds:0} s passed";
        throw new MachineException($"/{pattern}/ did not appear on the console: {why}.", Tail(), Complaints);
    }

    /// <summary>Sends bytes at a pace that the hypervisor's small receive buffer takes. Returns at once; the order of calls is kept.</summary>
    public void Send(ReadOnlySpan<byte> bytes) => _input.Send(bytes);

    /// <summary>Sends text, of which each character is one byte.</summary>
    public void Send(string text) => _input.Send(System.Text.Encoding.Latin1.GetBytes(text));

    /// <summary>Waits for the machine to end by itself; throws <see cref="MachineException"/> if it does not in time. Returns QEMU's exit status.</summary>
    public int WaitForEnd(TimeSpan timeout) =>
        _ended.Task.Wait(timeout) ? _ended.Task.Result : throw new MachineException($"The machine still runs after {timeout.TotalSeconds:0} s.", Tail(), Complaints);

    /// <summary>The last lines of the console, for a report of failure.</summary>
    public string Tail(int lines = 40) => _transcript.Tail(lines);

    /// <summary>Processor time that QEMU has used: a steadier measure than the clock on a busy host.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Ends the machine at once, as pulling the plug does.</summary>
    public void Kill()
    {
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended already.
        }
        _ended.Task.Wait(TimeSpan.FromSeconds(10));
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        Kill();
        _input.Dispose();
        _log?.Dispose();
        _process.Dispose();
        _folder.Dispose();
    }

    private static Process Launch(List<string> arguments)
    {
        string qemu = HostProgram.Find("qemu-system-x86_64") ?? throw new LabException("QEMU is not installed; run `apt-get install qemu-system-x86` as root and try again.");
        bool canBind = HostProgram.Find("setpriv") is not null;
        ProcessStartInfo start = canBind ? new("setpriv", ["--pdeathsig", "KILL", qemu, .. arguments]) : new(qemu, arguments);
        start.UseShellExecute = false;
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        return HostProgram.Start(start);
    }

    private void ReadSerial()
    {
        byte[] buffer = new byte[16384];
        Stream stream = _process.StandardOutput.BaseStream;
        int count;
        while ((count = stream.Read(buffer)) > 0)
        {
            _log?.Write(buffer, 0, count);
            _transcript.Append(buffer.AsSpan(0, count));
            Received?.Invoke(buffer.AsMemory(0, count));
        }
        _process.WaitForExit();
        _transcript.Close();
        _ended.TrySetResult(_process.ExitCode);
    }

    private void ReadComplaints()
    {
        while (_process.StandardError.ReadLine() is { } line)
        {
            if (line.Contains("TCG doesn't support requested feature", StringComparison.Ordinal))
                continue;
            lock (_complaints)
                _complaints.Add(line);
        }
    }
}

/// <summary>The machine did not do what was waited for; carries the end of its console.</summary>
public sealed class MachineException : Exception
{
    public MachineException(string sentence, string tail, string complaints)
        : base($"{sentence}{(complaints.Length > 0 ? $"\nQEMU says: {complaints}" : "")}\nThe end of the console:\n{tail}") => Sentence = sentence;

    public string Sentence { get; }
}
