// SPDX-License-Identifier: MIT
// The access log: one line for each message, in the form of Xen's daemon. Used by Daemon.

using System;
using System.Globalization;
using System.IO;
using System.Text;
using XenSharp.Abi;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Xenstored;

/// <param name="report">Told what hinders the log; not by way of the log.</param>
internal sealed class AccessLog(Action<string> report) : IDisposable
{
    private static readonly string[] s_names =
    [
        "CONTROL", "DIRECTORY", "READ", "GET_PERMS", "WATCH", "UNWATCH", "TRANSACTION_START", "TRANSACTION_END", "INTRODUCE", "RELEASE", "GET_DOMAIN_PATH",
        "WRITE", "MKDIR", "RM", "SET_PERMS", "WATCH_EVENT", "ERROR", "IS_DOMAIN_INTRODUCED", "RESUME", "SET_TARGET", "**UNKNOWN**", "RESET_WATCHES",
        "DIRECTORY_PART",
    ];

    private FileStream? _file;
    private long _lost;

    public string? Path { get; set; }

    public bool IsOn => _file is not null;

    /// <summary>Opens the file, or opens it again after it was renamed; what hinders that is reported, and the log is off.</summary>
    public void Open()
    {
        Close();
        if (Path is null)
            return;
        try
        {
            // Who reads it reads the store.
            FileStreamOptions options = new() { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite };
            _file = new FileStream(Path, options);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            report($"there is no access log: {failure.Message}");
            return;
        }
        WriteLine("\n***");
    }

    public void Close()
    {
        _file?.Dispose();
        _file = null;
    }

    public void Write(Connection connection, in XenstoreMessageHeader header, ReadOnlySpan<byte> payload, bool isAnswer)
    {
        if (_file is null)
            return;
        string name = (uint)header.Type < s_names.Length ? s_names[(int)header.Type] : "**UNKNOWN**";
        string text = Encoding.Latin1.GetString(payload).Replace('\0', ' ');
        string client = connection.Domain is { } domain ? $"D{domain.Id}" : $"A{connection.Id}";
        WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(isAnswer ? "OUT" : "IN")} {client} {DateTime.Now:yyyyMMdd HH:mm:ss} {name} ({text})"));
    }

    /// <summary>A line that has no room is lost, and the first of them is reported; how many there were stands before the next that has.</summary>
    public void WriteLine(string text)
    {
        if (_file is null)
            return;
        try
        {
            if (_lost > 0)
                _file.Write(Encoding.Latin1.GetBytes(string.Create(CultureInfo.InvariantCulture, $"*** {_lost} lines lost\n")));
            _lost = 0;
            _file.Write(Encoding.Latin1.GetBytes(text + "\n"));
        }
        catch (IOException failure)
        {
            if (_lost++ == 0)
                report($"lines of the access log are lost: {failure.Message}");
        }
    }

    public void Dispose() => Close();
}
