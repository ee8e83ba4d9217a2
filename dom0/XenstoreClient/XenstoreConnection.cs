// SPDX-License-Identifier: MIT
// A connection to xenstore. All operations may be used from many tasks at once; answers find their request by number.

using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;

namespace XenSharp.XenstoreClient;

/// <summary>A change that a watch has seen.</summary>
/// <param name="Path">What changed, below the watched path; relative if the watch was.</param>
public readonly record struct XenstoreEvent(string Path, string Token);

/// <param name="Letter">n, r, w or b.</param>
public readonly record struct XenstorePermission(char Letter, int Domain)
{
    /// <summary>As the protocol writes it, such as r7.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Letter}{Domain}");
}

/// <summary>A connection to xenstore. Safe for use by several tasks at once.</summary>
public sealed partial class XenstoreConnection : IAsyncDisposable
{
    private static readonly TimeSpan s_farewell = TimeSpan.FromSeconds(5);

    private readonly Stream _stream;

    // For reading only; it is never closed by itself.
    private readonly BufferedStream _incoming;
    private readonly bool _isDevice;
    private readonly SemaphoreSlim _sending = new(1);
    private readonly ConcurrentDictionary<uint, TaskCompletionSource<(MessageType Type, byte[] Payload)>> _waiting = new();
    private readonly ConcurrentDictionary<string, Channel<XenstoreEvent>> _watches = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _receiving;
    private uint _lastRequest;
    private long _lastToken;
    private volatile Exception? _failure;

    private readonly record struct Question(uint Number, Request Request, TaskCompletionSource<(MessageType Type, byte[] Payload)> Answer);

    private XenstoreConnection(Stream stream, bool isDevice)
    {
        _stream = stream;
        _incoming = new BufferedStream(stream, Wire.HeaderSize + Wire.MostPayload);
        _isDevice = isDevice;
        _receiving = Task.Run(ReceiveAsync);
    }

    /// <summary>Where xenstore is: $XENSTORED_PATH, the daemon's socket, or the kernel's device.</summary>
    public static string DefaultPath
    {
        get
        {
            if (Environment.GetEnvironmentVariable("XENSTORED_PATH") is { Length: > 0 } path)
                return path;
            string socket = Path.Combine(Environment.GetEnvironmentVariable("XENSTORED_RUNDIR") ?? "/var/run/xenstored", "socket");
            return File.Exists(socket) ? socket : File.Exists("/dev/xen/xenbus") ? "/dev/xen/xenbus" : "/proc/xen/xenbus";
        }
    }

    /// <summary>Connects to xenstore.</summary>
    /// <param name="path">A socket or a device; the default one if null.</param>
    public static async Task<XenstoreConnection> ConnectAsync(string? path = null, CancellationToken cancellation = default)
    {
        path ??= DefaultPath;
        if (path.EndsWith("xenbus", StringComparison.Ordinal))
            return OverDevice(new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0));
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation).ConfigureAwait(false);
            return new XenstoreConnection(new NetworkStream(socket, ownsSocket: true), isDevice: false);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// A connection by Linux's device, which bears one request at a time of each open file (drivers/xen/xenbus/xenbus_dev_frontend.c): a request stays in
    /// the file's only buffer until the kernel's thread has taken it to the daemon, so the next one would overwrite it; and a request for a watch keeps the file
    /// locked until it is answered, so an answer to an earlier one stops that thread, and with it xenstore for the whole kernel, for good.
    /// </summary>
    internal static XenstoreConnection OverDevice(Stream device) => new(device, isDevice: true);

    /// <summary>
    /// Events of a path and everything below it; the first one comes at once, with the path itself. The watch ends with the enumeration. Events may be
    /// spurious, and the same ones in a row are one: read the nodes after each.
    /// </summary>
    /// <param name="depth">How many levels below the path to look, where the daemon can limit that; null for all.</param>
    public async IAsyncEnumerable<XenstoreEvent> WatchAsync(string path, int? depth = null, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        string token = string.Create(CultureInfo.InvariantCulture, $"xs{Interlocked.Increment(ref _lastToken)}");
        Channel<XenstoreEvent> events = Channel.CreateUnbounded<XenstoreEvent>(new UnboundedChannelOptions { SingleReader = true });
        _watches[token] = events;
        try
        {
            byte[] request = depth is { } levels ? Wire.Strings(path, token, levels.ToString(CultureInfo.InvariantCulture)) : Wire.Strings(path, token);
            await AskAsync(MessageType.Watch, request, 0, path, cancellation).ConfigureAwait(false);
            await foreach (XenstoreEvent change in events.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
                yield return change;
        }
        finally
        {
            _watches.TryRemove(token, out _);
            if (_failure is null && !_closing.IsCancellationRequested)
                await UnwatchAsync(path, token).ConfigureAwait(false);
        }
    }

    private async Task UnwatchAsync(string path, string token)
    {
        try
        {
            await AskAsync(MessageType.Unwatch, Wire.Strings(path, token), 0, path, CancellationToken.None).ConfigureAwait(false);
        }
        catch (XenstoreException)
        {
            // The watch was refused, or cancelled before it was asked for; the enumeration tells that.
        }
    }

    /// <summary>Ends the connection, its watches and transactions.</summary>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        if (_isDevice)
            await EndReadingAsync().ConfigureAwait(false);
        await _stream.DisposeAsync().ConfigureAwait(false);
        if (!_isDevice)
            await _receiving.ConfigureAwait(false);
        _closing.Dispose();
    }

    /// <summary>Only a message ends a read of the device, which otherwise would keep the file open, with all its watches. Without a daemon nothing comes.</summary>
    private async Task EndReadingAsync()
    {
        Task<byte[]> last = AskAsync(MessageType.GetDomainPath, Numbers(0), 0, "domain", CancellationToken.None);
        await Task.WhenAny(_receiving, Task.Delay(s_farewell, CancellationToken.None)).ConfigureAwait(false);
        _ = last.ContinueWith(static ended => ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }

    internal Task<byte[]> AskAsync(MessageType type, byte[] payload, uint transaction, string what, CancellationToken cancellation) =>
        AskAsync(new Request(type, payload, what), transaction, cancellation);

    /// <summary>The answers, in the order of the requests, which the socket takes in one piece: a daemon that is woken for each costs more than its work.</summary>
    internal Task<byte[]>[] AskAll(IReadOnlyList<Request> requests, uint transaction, CancellationToken cancellation)
    {
        Task<byte[]>[] answers = new Task<byte[]>[requests.Count];
        if (requests.Count == 0)
            return answers;
        if (_isDevice || requests.Any(request => request.Payload.Length > MostPayload))
        {
            for (int index = 0; index < answers.Length; index++)
                answers[index] = AskAsync(requests[index], transaction, cancellation);
            return answers;
        }
        Question[] questions = new Question[answers.Length];
        List<byte> messages = [];
        for (int index = 0; index < answers.Length; index++)
        {
            questions[index] = Register(requests[index]);
            messages.AddRange(Wire.Message(requests[index].Type, questions[index].Number, transaction, requests[index].Payload));
        }
        Task sent = SendAsync(messages.ToArray(), questions, cancellation);
        for (int index = 0; index < answers.Length; index++)
            answers[index] = AnswerAsync(questions[index], sent, cancellation);
        return answers;
    }

    internal async Task<byte[]> AskAsync(Request request, uint transaction, CancellationToken cancellation)
    {
        if (request.Payload.Length > MostPayload)
            throw new XenstoreException("E2BIG", $"{request.Type} {request.What}");
        Question question = Register(request);
        Task sent = SendAsync(Wire.Message(request.Type, question.Number, transaction, request.Payload), [question], cancellation);
        return await AnswerAsync(question, sent, cancellation).ConfigureAwait(false);
    }

    // The device's buffer has the header as well.
    private int MostPayload => Wire.MostPayload - (_isDevice ? Wire.HeaderSize : 0);

    private Question Register(Request request)
    {
        Question question = new(Interlocked.Increment(ref _lastRequest), request, new(TaskCreationOptions.RunContinuationsAsynchronously));
        _waiting[question.Number] = question.Answer;
        return question;
    }

    private static async Task<byte[]> AnswerAsync(Question question, Task sent, CancellationToken cancellation)
    {
        await sent.ConfigureAwait(false);
        (MessageType answered, byte[] bytes) = await question.Answer.Task.WaitAsync(cancellation).ConfigureAwait(false);
        return answered == MessageType.Error
            ? throw new XenstoreException(Encoding.ASCII.GetString(bytes).TrimEnd('\0'), $"{question.Request.Type} {question.Request.What}") : bytes;
    }

    private async Task SendAsync(byte[] messages, Question[] questions, CancellationToken cancellation)
    {
        bool isSent = false;
        try
        {
            if (_failure is { } failure)
                throw new IOException("The connection to xenstore has ended.", failure);
            await _sending.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                // A message that was begun is sent as a whole: cancelling in its middle would end the connection for all.
                if (!questions[0].Answer.Task.IsCompleted)
                    await _stream.WriteAsync(messages, CancellationToken.None).ConfigureAwait(false);
                isSent = true;
            }
            finally
            {
                if (isSent && _isDevice)
                    _ = questions[0].Answer.Task.ContinueWith((_, sending) => ((SemaphoreSlim)sending!).Release(), _sending, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
                else
                    _sending.Release();
            }
        }
        finally
        {
            // What was sent stays until its answer has come, even if nobody waits for that any more.
            foreach (Question question in isSent ? [] : questions)
                _waiting.TryRemove(question.Number, out _);
        }
    }

    private async Task ReceiveAsync()
    {
        byte[] header = new byte[Wire.HeaderSize];
        try
        {
            while (true)
            {
                await _incoming.ReadExactlyAsync(header, _closing.Token).ConfigureAwait(false);
                MessageType type = (MessageType)BitConverter.ToUInt32(header, 0);
                byte[] payload = new byte[BitConverter.ToInt32(header, 12)];
                await _incoming.ReadExactlyAsync(payload, _closing.Token).ConfigureAwait(false);
                if (type == MessageType.WatchEvent)
                    Deliver(payload);
                else if (_waiting.TryRemove(BitConverter.ToUInt32(header, 4), out var answer))
                    answer.TrySetResult((type, payload));
            }
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException or ObjectDisposedException or SocketException)
        {
            _failure = failure;
            foreach (var answer in _waiting.Values)
                answer.TrySetException(new IOException("The connection to xenstore has ended.", failure));
            foreach (Channel<XenstoreEvent> events in _watches.Values)
                events.Writer.TryComplete(new IOException("The connection to xenstore has ended.", failure));
        }
    }

    private void Deliver(byte[] payload)
    {
        string[] parts = Wire.Split(payload);
        if (parts.Length >= 2 && _watches.TryGetValue(parts[1], out Channel<XenstoreEvent>? events))
            events.Writer.TryWrite(new XenstoreEvent(parts[0], parts[1]));
    }
}
