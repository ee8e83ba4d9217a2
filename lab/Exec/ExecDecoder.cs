// SPDX-License-Identifier: MIT
// Reads out of the console what dom0's /etc/exec sends: the output and status of --exec's command. Used by ExecSession; the format is told in
// lab/Ramdisk/Files/exec.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace XenSharp.Lab.Exec;

/// <summary>
/// Fed with the raw serial line. Messages of hypervisor and kernel may begin anywhere in a line of a frame and end with its newline; since they begin
/// with "(" or "[", which no frame holds, they are cut out. A block that is damaged nevertheless is asked for again.
/// </summary>
public sealed class ExecDecoder
{
    private readonly string _mark;
    private readonly StringBuilder _line = new();
    private readonly StringBuilder _base64 = new();
    private readonly HashSet<int> _taken = [];
    private bool _inNoise;
    private Header? _block;

    /// <param name="token">The word of this machine that begins each frame.</param>
    public ExecDecoder(string token) => _mark = $"#{token} ";

    /// <summary>The command runs now.</summary>
    public event Action? Started;

    /// <summary>A part of the command's stdout (false) or stderr (true), in order.</summary>
    public event Action<bool, byte[]>? Output;

    /// <summary>A line that must be sent to dom0.</summary>
    public event Action<string>? Answer;

    /// <summary>The command's exit status; all its output came before. The argument is null when dom0 reports <see cref="Failure"/> instead.</summary>
    public event Action<int?>? Finished;

    /// <summary>The reason, when <see cref="Finished"/> came without a status.</summary>
    public string Failure { get; private set; } = "";

    /// <summary>A block has begun and not ended; if the line is silent now, <see cref="Retry"/> asks for it again.</summary>
    public bool IsInBlock => _block is not null;

    public void Feed(ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            if (value == '\n')
            {
                // The newline that ends noise belongs to the noise: the frame's line goes on behind it.
                if (!_inNoise)
                    TakeLine();
                _inNoise = false;
            }
            else if (value is (byte)'(' or (byte)'[')
            {
                _inNoise = true;
            }
            else if (!_inNoise && value != '\r')
            {
                _line.Append((char)value);
            }
        }
    }

    /// <summary>Gives up the block that has begun and asks for it again.</summary>
    public void Retry()
    {
        _block = null;
        _line.Clear();
        _inNoise = false;
        Answer?.Invoke("again");
    }

    private void TakeLine()
    {
        string line = _line.ToString();
        _line.Clear();
        int start = line.IndexOf(_mark, StringComparison.Ordinal);
        if (start < 0)
        {
            if (_block is not null)
                _base64.Append(line);
            return;
        }
        string[] words = line[(start + _mark.Length)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        switch (words)
        {
            case ["started"]:
                Started?.Invoke();
                break;
            case ["block", "o" or "e", _, _, _] when Header.TryParse(words, out Header? header):
                _block = header;
                _base64.Clear();
                break;
            case ["end", string number]:
                EndBlock(number);
                break;
            case ["status", string status] when int.TryParse(status, NumberStyles.None, CultureInfo.InvariantCulture, out int value):
                Answer?.Invoke("ok");
                Finished?.Invoke(value);
                break;
            case ["lost" or "died"]:
                Failure = words[0] == "lost" ? "Some of the command's output was lost on the console." : "dom0's start script died before it reached the command.";
                Finished?.Invoke(null);
                break;
            default:
                Answer?.Invoke("again");
                break;
        }
    }

    private void EndBlock(string number)
    {
        Header? block = _block;
        _block = null;
        if (block is null || block.Number.ToString(CultureInfo.InvariantCulture) != number || !TryDecode(block, out byte[] data))
        {
            Answer?.Invoke("again");
            return;
        }
        if (_taken.Add(block.Number))
            Output?.Invoke(block.IsError, data);
        Answer?.Invoke("ok");
    }

    /// <summary>MD5 is what Debian's busybox has; it guards against damage, not against an enemy.</summary>
    private bool TryDecode(Header block, out byte[] data)
    {
        data = new byte[block.Size];
        return Convert.TryFromBase64String(_base64.ToString(), new Span<byte>(data), out int length)
            && length == block.Size && Convert.ToHexStringLower(MD5.HashData(data)) == block.Checksum;
    }

    private sealed record Header(bool IsError, int Number, string Checksum, int Size)
    {
        private const int LargestBlock = 1 << 20;

        public static bool TryParse(string[] words, out Header? header)
        {
            header = null;
            CultureInfo culture = CultureInfo.InvariantCulture;
            if (!int.TryParse(words[2], NumberStyles.None, culture, out int number)
                || !int.TryParse(words[4], NumberStyles.None, culture, out int size) || size > LargestBlock)
            {
                return false;
            }
            header = new Header(words[1] == "e", number, words[3], size);
            return true;
        }
    }
}
