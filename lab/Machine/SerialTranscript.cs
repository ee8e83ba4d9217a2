// SPDX-License-Identifier: MIT
// The text that a serial line has printed so far, and waiting for text in it. Owned by QemuMachine.

using System;
using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;

namespace XenSharp.Lab.Machine;

/// <summary>One lock guards it; waiters are woken by each piece that is appended.</summary>
internal sealed class SerialTranscript
{
    private readonly object _gate = new();
    private readonly StringBuilder _text = new();
    private int _matchedTo;
    private bool _closed;

    public string Text
    {
        get
        {
            lock (_gate)
                return _text.ToString();
        }
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            _text.Append(Encoding.Latin1.GetString(bytes));
            Monitor.PulseAll(_gate);
        }
    }

    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The first match behind the last one; null when time is over, or when the line was closed without a match.</summary>
    public Match? WaitFor(Regex pattern, TimeSpan timeout, out bool closed)
    {
        Stopwatch clock = Stopwatch.StartNew();
        lock (_gate)
        {
            while (true)
            {
                int start = _matchedTo;
                Match match = pattern.Match(_text.ToString(start, _text.Length - start));
                closed = _closed;
                if (match.Success)
                {
                    _matchedTo = start + match.Index + match.Length;
                    return match;
                }
                TimeSpan left = timeout - clock.Elapsed;
                if (_closed || left <= TimeSpan.Zero)
                    return null;
                Monitor.Wait(_gate, left);
            }
        }
    }

    public string Tail(int lines)
    {
        string[] all = Text.Replace("\r", "").TrimEnd('\n').Split('\n');
        return string.Join('\n', all[Math.Max(0, all.Length - lines)..]);
    }
}
