// SPDX-License-Identifier: MIT
// One log: of a guest's console, or of the hypervisor. Form and names are those of Xen 4.17's xenconsoled; rotation by size is our own. Used by the loop.

using System;
using System.Buffers;
using System.Globalization;
using System.IO;
using System.Text;
using XenSharp.Interop;

namespace XenSharp.Consoled;

/// <param name="HasTimestamps">Each line begins with the local time.</param>
/// <param name="ReplacesEscape">Escape characters become dots.</param>
/// <param name="MaxSize">From this size on the file is renamed and begun anew; 0 for never.</param>
/// <param name="Keep">How many renamed files stay.</param>
internal sealed record LogSettings(bool HasTimestamps, bool ReplacesEscape, long MaxSize, int Keep);

internal sealed class LogFile : IDisposable
{
    private const byte Escape = 0x1B;

    private readonly LogSettings _settings;
    private readonly Action<string> _report;
    private readonly ArrayBufferWriter<byte> _text = new();
    private int _file = -1;
    private long _length;
    private bool _isLineStart = true;
    private bool _hasFailed;

    public LogFile(string path, LogSettings settings, Action<string> report)
    {
        Path = path;
        _settings = settings;
        _report = report;
        Open();
    }

    public string Path { get; }

    /// <summary>The clock of timestamps; tests set it.</summary>
    public Func<DateTime> Now { get; init; } = () => DateTime.Now;

    /// <summary>The file of a console; a name that is none for a file is changed, so that it stays in the folder.</summary>
    public static string GuestPath(string folder, string name, int number)
    {
        string safe = name.Replace('/', '_').Replace('\0', '_');
        return System.IO.Path.Combine(folder, number == 0 ? $"guest-{safe}.log" : string.Create(CultureInfo.InvariantCulture, $"guest-{safe}-console{number}.log"));
    }

    /// <summary>Never throws: the console goes on without its log, and that is reported once until it works again.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        try
        {
            if (_file < 0)
                return;
            if (_settings.MaxSize > 0 && _length >= _settings.MaxSize)
                Rotate();
            _text.ResetWrittenCount();
            if (_settings.HasTimestamps)
                Stamp(bytes);
            else
                Put(bytes);
            if (!Descriptors.WriteAll(_file, _text.WrittenSpan))
                throw new SystemFailure("write");
            _length += _text.WrittenCount;
            _hasFailed = false;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            if (!_hasFailed)
                _report($"cannot write to {Path}: {failure.Message}");
            _hasFailed = true;
        }
    }

    /// <summary>For a program that has renamed the file.</summary>
    public void Reopen()
    {
        Dispose();
        Open();
    }

    public void Dispose()
    {
        if (_file >= 0)
            Descriptors.Close(_file);
        _file = -1;
    }

    private void Open()
    {
        try
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
            _file = Descriptors.OpenForAppending(Path, out _length);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            _report($"cannot open the log {Path}: {failure.Message}");
            return;
        }
        if (!_settings.HasTimestamps)
            return;
        _text.ResetWrittenCount();
        Stamp("Logfile Opened\n"u8);
        if (Descriptors.WriteAll(_file, _text.WrittenSpan))
            _length += _text.WrittenCount;
    }

    /// <summary>The text with a stamp at each line's start. Returns of the carriage behind a line's end are dropped, as Xen's does.</summary>
    private void Stamp(ReadOnlySpan<byte> bytes)
    {
        byte[] stamp = Encoding.ASCII.GetBytes(Now().ToString("'['yyyy-MM-dd HH:mm:ss'] '", CultureInfo.InvariantCulture));
        while (bytes.Length > 0)
        {
            int newline = bytes.IndexOf((byte)'\n');
            int length = newline < 0 ? bytes.Length : newline + 1;
            if (_isLineStart)
                Put(stamp);
            Put(bytes[..length]);
            _isLineStart = newline >= 0;
            bytes = bytes[length..];
            if (_isLineStart)
                bytes = bytes.TrimStart((byte)'\r');
        }
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        Span<byte> target = _text.GetSpan(bytes.Length)[..bytes.Length];
        bytes.CopyTo(target);
        if (_settings.ReplacesEscape)
            target.Replace(Escape, (byte)'.');
        _text.Advance(bytes.Length);
    }

    /// <summary>NAME becomes NAME.1, that one NAME.2, and so on.</summary>
    private void Rotate()
    {
        Dispose();
        for (int number = _settings.Keep; number > 0; number--)
        {
            string from = number == 1 ? Path : string.Create(CultureInfo.InvariantCulture, $"{Path}.{number - 1}");
            if (File.Exists(from))
                File.Move(from, string.Create(CultureInfo.InvariantCulture, $"{Path}.{number}"), overwrite: true);
        }
        if (_settings.Keep == 0)
            File.Delete(Path);
        Open();
    }
}
