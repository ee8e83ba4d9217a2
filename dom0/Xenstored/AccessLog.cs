// SPDX-License-Identifier: MIT
// The access log: one line for each message, in the form of Xen's daemon. Used by Daemon.

using System;
using System.Globalization;
using System.IO;
using System.Text;
using XenSharp.Abi;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Xenstored;

internal sealed class AccessLog : IDisposable
{
    private static readonly string[] s_names =
    [
        "CONTROL", "DIRECTORY", "READ", "GET_PERMS", "WATCH", "UNWATCH", "TRANSACTION_START", "TRANSACTION_END", "INTRODUCE", "RELEASE", "GET_DOMAIN_PATH",
        "WRITE", "MKDIR", "RM", "SET_PERMS", "WATCH_EVENT", "ERROR", "IS_DOMAIN_INTRODUCED", "RESUME", "SET_TARGET", "**UNKNOWN**", "RESET_WATCHES",
        "DIRECTORY_PART",
    ];

    private StreamWriter? _writer;

    public string? Path { get; set; }

    public bool IsOn => _writer is not null;

    /// <summary>Opens the file, or opens it again after it was renamed; false if it cannot be.</summary>
    public bool Open()
    {
        Close();
        if (Path is null)
            return true;
        try
        {
            _writer = new StreamWriter(Path, append: true, Encoding.Latin1) { AutoFlush = true };
            _writer.Write("\n***\n");
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    public void Close()
    {
        _writer?.Dispose();
        _writer = null;
    }

    public void Write(Connection connection, in XenstoreMessageHeader header, ReadOnlySpan<byte> payload, bool isAnswer)
    {
        if (_writer is null)
            return;
        string name = (uint)header.Type < s_names.Length ? s_names[(int)header.Type] : "**UNKNOWN**";
        string text = Encoding.Latin1.GetString(payload).Replace('\0', ' ');
        string client = connection.Domain is { } domain ? $"D{domain.Id}" : $"A{connection.Id}";
        _writer.Write(string.Create(CultureInfo.InvariantCulture, $"{(isAnswer ? "OUT" : "IN")} {client} {DateTime.Now:yyyyMMdd HH:mm:ss} {name} ({text})\n"));
    }

    public void WriteLine(string text) => _writer?.Write(text + "\n");

    public void Dispose() => Close();
}
