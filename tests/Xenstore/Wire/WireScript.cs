// SPDX-License-Identifier: MIT
// Runs tables of requests and what must come of them. Used by the wire tests.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using XenSharp.Abi;
using XenSharp.Xenstore.Protocol;
using Xunit;

namespace XenSharp.Tests.Xenstore.Wire;

/// <summary>
/// One line is one request, <c>A READ /x| = 1</c>, or the events that a client has had since, <c>A ! /x|token|</c>, <c>A !</c> for none. Clients that
/// are letters are sockets, numbers are domains. <c>A:t</c> asks in the transaction that <c>A TRANSACTION_START | = t</c> has named.
/// </summary>
internal static class WireScript
{
    public static void Run(string script, Action<TestWorld>? prepare = null)
    {
        TestWorld world = new();
        prepare?.Invoke(world);
        Dictionary<string, Connection> clients = [];
        Dictionary<string, uint> transactions = [];
        int number = 0;
        foreach (string line in script.Split('\n', StringSplitOptions.TrimEntries))
        {
            number++;
            if (line.Length == 0 || line.StartsWith('#'))
                continue;
            string who = line[..line.IndexOf(' ')];
            string rest = line[(who.Length + 1)..];
            uint transaction = 0;
            if (who.Split(':') is [string client, string name])
            {
                who = client;
                transaction = transactions.TryGetValue(name, out uint known) ? known : uint.Parse(name, CultureInfo.InvariantCulture);
            }
            Connection? connection;
            if (int.TryParse(who, out int domain))
                connection = world.Server.FindDomain(domain)?.Connection ?? world.Domain(domain);
            else if (!clients.TryGetValue(who, out connection))
                clients[who] = connection = world.Socket();
            if (rest.StartsWith('!'))
            {
                string[] expected = rest[1..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
                string[] events = world.Events(connection);
                Assert.True(expected.SequenceEqual(events), $"line {number}: {line}\ncame: {string.Join(' ', events)}");
                continue;
            }
            int equals = rest.LastIndexOf(" = ", StringComparison.Ordinal);
            string wanted = rest[(equals + 3)..];
            string request = rest[..equals];
            string type = request[..request.IndexOf(' ')];
            string payload = request[(type.Length + 1)..];
            string answer = world.Ask(connection, TypeOf(type), payload == "-" ? "" : payload, transaction);
            if (type == "TRANSACTION_START" && uint.TryParse(answer.TrimEnd('|'), out uint id) && !wanted.StartsWith('E'))
                transactions[wanted] = id;
            else
                Assert.True(wanted == "OK" ? answer == "OK|" : wanted == "-" ? answer.Length == 0 : wanted == answer, $"line {number}: {line}\ncame: {answer}");
        }
    }

    private static XenstoreMessageType TypeOf(string name) => name switch
    {
        _ when int.TryParse(name, out int number) => (XenstoreMessageType)number,
        _ => Enum.Parse<XenstoreMessageType>(name.Replace("_", ""), ignoreCase: true),
    };
}
