// SPDX-License-Identifier: MIT
// Gives commands to a running QEMU over its control socket. Used by ProfileRun.

using System;
using System.IO;
using System.Net.Sockets;
using System.Text.Json;
using System.Threading;
using XenSharp.Lab.Common;

namespace XenSharp.Bench.Profiling;

/// <summary>The few words of QMP that a profile needs; QEMU must have been started with <see cref="Arguments"/>.</summary>
internal sealed class QemuControl : IDisposable
{
    private static readonly TimeSpan s_wait = TimeSpan.FromMilliseconds(20);
    private const int Tries = 500;

    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly StreamReader _reader;

    public QemuControl(string path)
    {
        // QEMU makes the socket some time after its start, and nothing tells when.
        for (int left = Tries; !File.Exists(path); left--)
        {
            if (left == 0)
                throw new LabException($"QEMU made no control socket at {path}.");
            Thread.Sleep(s_wait);
        }
        _socket.Connect(new UnixDomainSocketEndPoint(path));
        _reader = new StreamReader(new NetworkStream(_socket));
        _reader.ReadLine();
        Execute(new { execute = "qmp_capabilities" });
    }

    public static string[] Arguments(string path) => ["-qmp", $"unix:{path},server=on,wait=off"];

    /// <summary>A command of QEMU's monitor; its complaint, if it has one, becomes the exception's sentence.</summary>
    public void Monitor(string line)
    {
        string answer = Execute(new { execute = "human-monitor-command", arguments = new Command(line) });
        if (answer.Length > 0)
            throw new LabException($"QEMU refuses \"{line}\": {answer.Trim()}");
    }

    public void Dispose()
    {
        _reader.Dispose();
        _socket.Dispose();
    }

    private string Execute(object command)
    {
        _socket.Send(JsonSerializer.SerializeToUtf8Bytes(command));
        while (_reader.ReadLine() is { } line)
        {
            using JsonDocument document = JsonDocument.Parse(line);
            // Events come between; only an answer has one of these.
            if (document.RootElement.TryGetProperty("return", out JsonElement result))
                return result.ValueKind == JsonValueKind.String ? result.GetString()! : "";
            if (document.RootElement.TryGetProperty("error", out JsonElement error))
                throw new LabException($"QEMU's control socket says: {error}.");
        }
        throw new LabException("QEMU closed its control socket.");
    }

    private sealed record Command([property: System.Text.Json.Serialization.JsonPropertyName("command-line")] string Line);
}
