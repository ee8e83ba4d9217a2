// SPDX-License-Identifier: MIT
// xentop's view on a terminal: the table, drawn anew in place, and the keys that change it. Used by TopTool.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Text;
using System.Threading.Tasks;
using XenSharp.Interop;

namespace XenSharp.Inspection;

internal sealed class TopScreen(TopSettings settings)
{
    private const int Input = 0, Output = 1, PollMs = 500;
    private const string Reverse = "\e[7m", Bold = "\e[1m", Yellow = "\e[43m", Plain = "\e[0m";

    private string? _prompt;

    /// <summary>Until the user leaves, or the wanted number of rounds.</summary>
    public async Task RunAsync(Func<Task<TopSnapshot>> take)
    {
        bool isRaw = Terminal.TryMakeRaw(Input, out byte[] modes);
        Write("\e[?1049h\e[?25l");
        try
        {
            TopSnapshot? before = null, now = null;
            long shown = 0;
            bool isChanged = true;
            for (int round = 0; ;)
            {
                bool isDue = now is null || Stopwatch.GetElapsedTime(shown).TotalSeconds >= settings.DelaySeconds;
                if (isDue)
                {
                    (before, now) = (now, await take());
                    shown = Stopwatch.GetTimestamp();
                }
                if (isDue || isChanged)
                {
                    (int rows, int columns) = Size();
                    Write(Frame(before, now!, rows, columns));
                }
                if (isDue && ++round == settings.Iterations)
                    return;
                isChanged = false;
                PollEntry entry = PollEntry.ForReading(Input);
                if (Descriptors.Poll(new Span<PollEntry>(ref entry), PollMs) == 0)
                    continue;
                if (!TryReadKeys(out string keys) || !Handle(keys))
                    return;
                isChanged = true;
            }
        }
        finally
        {
            Write("\e[?25h\e[?1049l");
            if (isRaw)
                Terminal.Restore(Input, modes);
        }
    }

    /// <summary>False to leave.</summary>
    internal bool Handle(string keys)
    {
        if (keys == "\e[B" || keys == "\eOB")
            settings.FirstDomain++;
        else if (keys == "\e[A" || keys == "\eOA")
            settings.FirstDomain = Math.Max(0, settings.FirstDomain - 1);
        else
            return HandleLetters(keys);
        return true;
    }

    private bool HandleLetters(string keys)
    {
        foreach (char key in keys)
        {
            if (_prompt is not null)
            {
                Edit(key);
                continue;
            }
            switch (char.ToLowerInvariant(key))
            {
                case 'n': settings.HasNetworks = !settings.HasNetworks; break;
                case 'b': settings.HasDisks = !settings.HasDisks; break;
                case 'r': settings.RepeatsHeader = !settings.RepeatsHeader; break;
                case 'v': settings.HasVcpus = !settings.HasVcpus; break;
                case 's': settings.SortColumn = (settings.SortColumn + 1) % TopTable.Columns; break;
                case 'd': _prompt = ""; break;
                case 'q' or '\e' or '\x03': return false;
            }
        }
        return true;
    }

    private void Edit(char key)
    {
        switch (key)
        {
            case '\r':
                if (int.TryParse(_prompt, out int seconds) && seconds > 0)
                    settings.DelaySeconds = seconds;
                _prompt = null;
                break;
            case '\e': _prompt = null; break;
            case '\b' or '\x7F': _prompt = _prompt!.Length > 0 ? _prompt[..^1] : ""; break;
            case >= ' ' and < '\x7F' when _prompt!.Length < 79: _prompt += key; break;
        }
    }

    /// <summary>The whole screen, each line cut at its width.</summary>
    internal string Frame(TopSnapshot? before, TopSnapshot now, int rows, int columns)
    {
        settings.FirstDomain = Math.Clamp(settings.FirstDomain, 0, Math.Max(0, now.Domains.Count - 1));
        TopTable table = settings.Table(before, now);
        StringBuilder frame = new("\e[H");
        int row = 0;
        void Line(string text, string style)
        {
            if (row++ < rows - 1)
                frame.Append(style).Append(text.Length > columns ? text[..columns] : text).Append(Plain).Append("\e[K\r\n");
        }
        foreach (string text in table.Summary())
            Line(text, "");
        IReadOnlyList<string> lines = table.Lines(settings.FirstDomain);
        for (int index = 0; index < lines.Count; index++)
            Line(lines[index], table.Headers.Contains(index) ? Reverse : "");
        frame.Append("\e[J").Append($"\e[{rows};3H").Append(_prompt is null ? BottomLine() : $"Delay(sec): {_prompt}").Append("\e[K");
        return frame.ToString();
    }

    private string BottomLine()
    {
        static string Key(string before, char key, string after, bool isOn) =>
            $"{(isOn ? Yellow : "")}{before}{Plain}{Reverse}{Bold}{key}{Plain}{(isOn ? Yellow : "")}{after}{Plain}  ";
        return Key("", 'D', "elay", false) + Key("", 'N', "etworks", settings.HasNetworks) + Key("v", 'B', "ds", settings.HasDisks) + Key("", 'V', "CPUs", settings.HasVcpus) +
            Key("", 'R', "epeat header", settings.RepeatsHeader) + Key("", 'S', "ort order", false) + Key("", 'Q', "uit", false);
    }

    private static bool TryReadKeys(out string keys)
    {
        Span<byte> bytes = stackalloc byte[64];
        TransferState state = Descriptors.Read(Input, bytes, out int count);
        keys = Encoding.Latin1.GetString(bytes[..count]);
        return state != TransferState.Closed;
    }

    private static (int Rows, int Columns) Size() => Terminal.TryGetSize(Output, out int rows, out int columns) ? (rows, columns) : (24, 80);

    private static void Write(string text) => Descriptors.WriteAll(Output, Encoding.UTF8.GetBytes(text));
}
