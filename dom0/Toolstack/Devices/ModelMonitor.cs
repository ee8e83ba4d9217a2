// SPDX-License-Identifier: MIT
// Speaks with a device model by its monitor's socket: QEMU Machine Protocol (docs/interop/qmp-spec of QEMU). Used by DeviceModel and by xl's qemu-monitor-command.

using System;
using System.IO;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;

namespace XenSharp.Toolstack.Devices;

/// <summary>One connection; commands one after the other.</summary>
public sealed class ModelMonitor : IDisposable
{
    private static readonly TimeSpan s_time = TimeSpan.FromSeconds(5);

    private readonly StreamReader _reader;
    private readonly NetworkStream _stream;

    private ModelMonitor(NetworkStream stream)
    {
        _stream = stream;
        _reader = new StreamReader(stream, Encoding.UTF8);
    }

    /// <exception cref="ToolstackException">The domain has no device model, or it does not answer.</exception>
    public static async Task<ModelMonitor> ConnectAsync(int domain)
    {
        string path = $"/var/run/xen/qmp-libxl-{domain}";
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path)).ConfigureAwait(false);
        }
        catch (SocketException failure)
        {
            socket.Dispose();
            throw new ToolstackException($"domain {domain} has no device model that could be asked: {path}: {failure.Message}", failure);
        }
        ModelMonitor monitor = new(new NetworkStream(socket, ownsSocket: true));
        try
        {
            await monitor.ReadAsync().ConfigureAwait(false);
            await monitor.CallAsync("qmp_capabilities").ConfigureAwait(false);
            return monitor;
        }
        catch
        {
            monitor.Dispose();
            throw;
        }
    }

    /// <summary>What the command returned.</summary>
    public async Task<JsonNode?> CallAsync(string command, JsonObject? arguments = null)
    {
        JsonObject request = new() { ["execute"] = command };
        if (arguments is not null)
            request["arguments"] = arguments;
        await _stream.WriteAsync(Encoding.UTF8.GetBytes(request.ToJsonString() + "\n")).ConfigureAwait(false);
        while (true)
        {
            JsonObject answer = await ReadAsync().ConfigureAwait(false);
            if (answer["error"] is JsonObject error)
                throw new ToolstackException($"the device model refused {command}: {error["desc"]}");
            if (answer.TryGetPropertyValue("return", out JsonNode? result))
                return result;
            // Anything else is an event.
        }
    }

    /// <summary>A command of the monitor for people; what it printed.</summary>
    public async Task<string> CallHumanAsync(string command) =>
        (await CallAsync("human-monitor-command", new JsonObject { ["command-line"] = command }).ConfigureAwait(false))?.ToString() ?? "";

    public void Dispose()
    {
        _reader.Dispose();
        _stream.Dispose();
    }

    private async Task<JsonObject> ReadAsync()
    {
        using CancellationTokenSource end = new(s_time);
        try
        {
            string line = await _reader.ReadLineAsync(end.Token).ConfigureAwait(false) ?? throw new ToolstackException("the device model has closed its monitor");
            return JsonNode.Parse(line)?.AsObject() ?? [];
        }
        catch (OperationCanceledException)
        {
            throw new ToolstackException($"the device model does not answer within {s_time.TotalSeconds:0} seconds");
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or IOException)
        {
            throw new ToolstackException($"the device model's monitor says what cannot be understood: {failure.Message}", failure);
        }
    }
}
