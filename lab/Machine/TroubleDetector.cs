// SPDX-License-Identifier: MIT
// Recognises on the console that the machine will not go on by itself. Used by --exec and by boot tests, so that they need not wait for a timeout.

using System;
using System.Text;
using System.Text.RegularExpressions;

namespace XenSharp.Lab.Machine;

/// <summary>Reads the serial line piece by piece and names the first line that tells of the end of the hypervisor or of dom0.</summary>
public sealed partial class TroubleDetector
{
    private const int LongestLine = 4096;
    private readonly StringBuilder _line = new();

    /// <summary>"Panic on CPU 0:" says nothing yet; the line behind it does.</summary>
    private bool _reasonFollows;

    /// <summary>The first line of trouble with its reason, or null.</summary>
    public string? Trouble { get; private set; }

    public void Feed(ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            if (value == '\n' || _line.Length == LongestLine)
            {
                Look();
                _line.Clear();
            }
            else if (value != '\r')
            {
                _line.Append((char)value);
            }
        }
    }

    private void Look()
    {
        string line = _line.ToString();
        if (Trouble is null && Pattern().IsMatch(line))
        {
            Trouble = line.Trim();
            _reasonFollows = Trouble.EndsWith(':');
        }
        else if (_reasonFollows)
        {
            Trouble = $"{Trouble} {line.Replace("(XEN)", "", StringComparison.Ordinal).Trim()}".TrimEnd();
            _reasonFollows = Trouble.EndsWith(':');
        }
    }

    [GeneratedRegex(@"Panic on CPU \d+|Kernel panic - not syncing|Hardware Dom\d+ (crashed|halted|shutdown|watchdog)|Hardware domain \d+ did|Manual reset required|[Dd]omain 0 .*crashed")]
    private static partial Regex Pattern();
}
