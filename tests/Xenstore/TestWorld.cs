// SPDX-License-Identifier: MIT
// A store with clients that keep what they are sent. Used by the tests of the protocol.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using XenSharp.Abi;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Tests.Xenstore;

internal sealed record Message(XenstoreMessageType Type, uint RequestId, uint TransactionId, byte[] Payload)
{
    public string Text => Encoding.Latin1.GetString(Payload).Replace('\0', '|');
}

/// <summary>Payloads are written as in docs/misc/xenstore.txt: a bar is a nul.</summary>
internal sealed class TestWorld : XenstoreHost
{
    private readonly Dictionary<Connection, Queue<Message>> _sent = [];
    private readonly Dictionary<int, DomainState> _states = [];
    private uint _nextRequest = 1;

    public TestWorld(ulong seed = 1)
    {
        Server = new XenstoreServer(this, seed);
        Server.CreateInitialNodes();
    }

    public XenstoreServer Server { get; private set; }

    public long Time { get; set; }

    public List<string> Logged { get; } = [];

    public List<byte[]> Records { get; } = [];

    public HashSet<Connection> Disconnected { get; } = [];

    public override long Now => Time;

    public void Replace(XenstoreServer server) => Server = server;

    public Connection Socket() => Server.OpenSocket();

    public Connection Domain(int id)
    {
        Connection socket = Server.Connections.FirstOrDefault(connection => connection.Domain is null) ?? Socket();
        Ask(socket, XenstoreMessageType.Introduce, $"{id}|1|1|");
        return Server.FindDomain(id)!.Connection!;
    }

    public void SetState(int domain, DomainState state) => _states[domain] = state;

    public string Ask(Connection connection, XenstoreMessageType type, string payload, uint transaction = 0)
    {
        Message answer = Ask(connection, type, Bytes(payload), transaction);
        return answer.Type == XenstoreMessageType.Error ? answer.Text.TrimEnd('|') : answer.Text;
    }

    /// <summary>The answer; events that came before or after it stay queued.</summary>
    public Message Ask(Connection connection, XenstoreMessageType type, byte[] payload, uint transaction = 0)
    {
        uint id = _nextRequest++;
        XenstoreMessageHeader header = new() { Type = type, RequestId = id, TxId = transaction, Length = (uint)payload.Length };
        Server.Handle(connection, header, payload);
        Queue<Message> queue = QueueOf(connection);
        Message[] all = [.. queue];
        queue.Clear();
        Message? answer = null;
        foreach (Message message in all)
        {
            if (message.Type == XenstoreMessageType.WatchEvent)
                queue.Enqueue(message);
            else if (answer is null && message.RequestId == id && message.TransactionId == transaction)
                answer = message;
            else
                throw new InvalidOperationException($"Unexpected answer {message}.");
        }
        return answer ?? throw new InvalidOperationException($"{type} was not answered.");
    }

    /// <summary>Takes the events that came.</summary>
    public string[] Events(Connection connection)
    {
        Queue<Message> queue = QueueOf(connection);
        string[] events = queue.Select(message => message.Text).ToArray();
        queue.Clear();
        return events;
    }

    public static byte[] Bytes(string payload) => Encoding.Latin1.GetBytes(payload.Replace('|', '\0'));

    public override void Send(Connection to, XenstoreMessageType type, uint requestId, uint transactionId, ReadOnlySpan<byte> payload) =>
        QueueOf(to).Enqueue(new Message(type, requestId, transactionId, payload.ToArray()));

    public override bool SendEvent(Connection to, ReadOnlySpan<byte> path, ReadOnlySpan<byte> token)
    {
        byte[] payload = [.. path, 0, .. token, 0];
        if (path[0] != '@' && QueueOf(to).Any(message => message.Type == XenstoreMessageType.WatchEvent && message.Payload.AsSpan().SequenceEqual(payload)))
            return false;
        Send(to, XenstoreMessageType.WatchEvent, 0, 0, payload);
        return true;
    }

    public override DomainState StateOf(int domain) => _states.GetValueOrDefault(domain, domain < 1000 ? DomainState.Running : DomainState.Absent);

    public override XenstoreError Connect(Connection connection, int port) => port == 666 ? XenstoreError.EINVAL : XenstoreError.None;

    public override XenstoreError Reconnect(Connection connection, int port) => XenstoreError.None;

    public override void Disconnect(Connection connection) => Disconnected.Add(connection);

    public override void Log(LogLevel level, string text) => Logged.Add(text);

    public override void LogQuota(int domain, string quota, long limit, long use) => Logged.Add($"domain {domain} quota {quota} limit {limit} use {use}");

    public override string? Control(Connection connection, string command, string[] arguments, out XenstoreError error)
    {
        error = command == "print" ? XenstoreError.None : XenstoreError.EINVAL;
        return "OK";
    }

    public override void Record(ReadOnlySpan<byte> record) => Records.Add(record.ToArray());

    private Queue<Message> QueueOf(Connection connection) => _sent.TryGetValue(connection, out Queue<Message>? queue) ? queue : _sent[connection] = new();
}
