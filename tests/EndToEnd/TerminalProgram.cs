// SPDX-License-Identifier: MIT
// A program on a terminal of its own (util-linux's script makes the pair), with keys to send and text to wait for. Used by LaunchTests.

using System;
using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;
using XenSharp.Lab.Machine;

namespace XenSharp.Tests.EndToEnd;

internal sealed class TerminalProgram : IDisposable
{
    private readonly Process _process;
    private readonly SerialTranscript _transcript = new();

    public TerminalProgram(string command, string folder)
    {
        ProcessStartInfo start = new("setpriv", ["--pdeathsig", "TERM", "script", "-q", "-e", "-f", "-c", command, "/dev/null"])
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment["TERM"] = "vt100";
        _process = Process.Start(start)!;
        new Thread(Read) { IsBackground = true, Name = "terminal" }.Start();
    }

    public string Text => _transcript.Text;

    public void WaitFor(string pattern, TimeSpan timeout)
    {
        if (_transcript.WaitFor(new Regex(pattern, RegexOptions.Multiline), timeout, out bool closed) is null)
            throw new TimeoutException($"/{pattern}/ did not appear on the terminal: {(closed ? "the program has ended" : "time is over")}.\n{_transcript.Tail(60)}");
    }

    public void Send(string keys)
    {
        _process.StandardInput.BaseStream.Write(Encoding.Latin1.GetBytes(keys));
        _process.StandardInput.BaseStream.Flush();
    }

    /// <summary>The program's exit status.</summary>
    public int WaitForEnd(TimeSpan timeout) => _process.WaitForExit(timeout) ? _process.ExitCode : throw new TimeoutException($"The program still runs.\n{_transcript.Tail(60)}");

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private void Read()
    {
        byte[] buffer = new byte[4096];
        int count;
        while ((count = _process.StandardOutput.BaseStream.Read(buffer)) > 0)
            _transcript.Append(buffer.AsSpan(0, count));
        _transcript.Close();
    }
}
