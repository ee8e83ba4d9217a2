// SPDX-License-Identifier: MIT
// Whatever bytes a client sends, it gets one answer to each message and the store stays whole. Longer by XENSHARP_FUZZ_ROUNDS.

using System;
using System.Globalization;
using XenSharp.Abi;
using XenSharp.Tests.Xenstore.Model;
using XenSharp.Xenstore.Protocol;
using Xunit;

namespace XenSharp.Tests.Xenstore.Wire;

public sealed class FuzzTests
{
    private static readonly string[] s_pieces =
    [
        "/", "a", "b", "//", "|", "||", "@releaseDomain", "@introduceDomain", "/tool", "/local/domain/1", "n0", "r1", "b2", "w70000", "T", "F", "0", "1", "-1",
        "4294967295", "99999999999999999999", "quota", "set", "nodes", "check", "help", ".", " ", "\u00ff", "x", "/a/b/c",
    ];

    [Fact]
    public void EveryMessageIsAnsweredOnce()
    {
        int rounds = int.Parse(Environment.GetEnvironmentVariable("XENSHARP_FUZZ_ROUNDS") ?? "60000", CultureInfo.InvariantCulture);
        Random random = new(rounds);
        TestWorld world = new();
        Connection[] clients = [world.Socket(), world.Domain(1), world.Domain(2)];
        for (int round = 0; round < rounds; round++)
        {
            int who = random.Next(clients.Length);
            if (!clients[who].IsOpen)
                clients[who] = who == 0 ? world.Socket() : world.Domain(who);
            XenstoreMessageType type = random.Next(40) == 0 ? (XenstoreMessageType)random.Next() : (XenstoreMessageType)random.Next(24);
            string payload = "";
            if (random.Next(200) == 0)
                payload = new string('/', 1 + random.Next(2)) + new string('p', random.Next(4090));
            else
                for (int piece = random.Next(6); piece > 0; piece--)
                    payload += s_pieces[random.Next(s_pieces.Length)];
            if (type == XenstoreMessageType.Release && random.Next(4) > 0)
                continue;
            world.Ask(clients[who], type, TestWorld.Bytes(payload), (uint)(random.Next(2) == 0 ? 0 : random.Next(20)));
            world.Events(clients[who]);
            if (random.Next(500) == 0)
                world.Server.Close(clients[who]);
        }
        Connection last = world.Socket();
        Assert.Equal("OK|", world.Ask(last, XenstoreMessageType.Control, "check|"));
        Assert.DoesNotContain(world.Logged, text => text.Contains("corrected", StringComparison.Ordinal));
        Assert.Contains("/tool ", StoreDump.Of(world), StringComparison.Ordinal);
    }
}
