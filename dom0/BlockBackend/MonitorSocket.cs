// SPDX-License-Identifier: MIT
// The monitor that libxl expects of a device model (QMP, docs/interop/qmp-spec.txt of QEMU): just enough of it to be asked for what is not there.

using System;
using System.IO;
using System.Net.Sockets;
using System.Text.Json;
using System.Threading;

namespace XenSharp.BlockBackend;

/// <summary>Answers on the sockets that QEMU's options name, one thread each, one client at a time. Gone with the process.</summary>
internal sealed class MonitorSocket
{
    private const int MaxMessage = 1 << 16;
    private const string Greeting = """{"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}, "package": "xensharp-blkback"}, "capabilities": []}}""";

    private readonly Socket _listener;

    private MonitorSocket(string path)
    {
        File.Delete(path);
        _listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen();
        new Thread(Serve) { IsBackground = true, Name = "monitor" }.Start();
    }

    /// <summary>Opens the socket of each option "-chardev socket,...,path=PATH,server=on,...".</summary>
    public static void OpenAll(string[] options)
    {
        const string key = "path=";
        foreach (string option in options)
        {
            if (!option.StartsWith("socket,", StringComparison.Ordinal))
                continue;
            foreach (string part in option.Split(','))
            {
                if (part.StartsWith(key, StringComparison.Ordinal))
                    _ = new MonitorSocket(part[key.Length..]);
            }
        }
    }

    /// <summary>The answer to one request; a request that is no JSON object gets an error, as from QEMU.</summary>
    internal static string Answer(string request)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(request);
            JsonElement root = document.RootElement;
            string id = root.TryGetProperty("id", out JsonElement given) ? $", \"id\": {given.GetRawText()}" : "";
            string? command = root.TryGetProperty("execute", out JsonElement execute) && execute.ValueKind == JsonValueKind.String ? execute.GetString() : null;
            string? result = command switch
            {
                "qmp_capabilities" => "{}",
                "query-chardev" => "[]",
                "query-vnc" => """{"enabled": false}""",
                "query-status" => """{"status": "running", "singlestep": false, "running": true}""",
                _ => null,
            };
            return result != null ? $"{{\"return\": {result}{id}}}"
                : $"{{\"error\": {{\"class\": \"CommandNotFound\", \"desc\": \"a block backend has no such command\"}}{id}}}";
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return """{"error": {"class": "GenericError", "desc": "Invalid JSON syntax"}}""";
        }
    }

    private void Serve()
    {
        while (true)
        {
            try
            {
                using Socket client = _listener.Accept();
                using var stream = new NetworkStream(client);
                Serve(stream);
            }
            catch (Exception fault) when (fault is IOException or SocketException)
            {
                // The client is gone; the next one is welcome.
            }
        }
    }

    private static void Serve(NetworkStream stream)
    {
        using var reader = new StreamReader(stream);
        using var writer = new StreamWriter(stream) { AutoFlush = true, NewLine = "\r\n" };
        writer.WriteLine(Greeting);
        while (reader.ReadLine() is { Length: < MaxMessage } line)
        {
            if (line.Length > 0)
                writer.WriteLine(Answer(line));
        }
    }
}
