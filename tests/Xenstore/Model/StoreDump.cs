// SPDX-License-Identifier: MIT
// All of a store as text, asked by its own protocol. Used where two stores are compared.

using System;
using System.Collections.Generic;
using System.Linq;
using XenSharp.Abi;
using XenSharp.Xenstore.Protocol;

namespace XenSharp.Tests.Xenstore.Model;

internal static class StoreDump
{
    public static string Of(TestWorld world)
    {
        Connection socket = world.Socket();
        string dump = Of((type, payload) => world.Ask(socket, type, payload));
        world.Server.Close(socket);
        return dump;
    }

    public static string Of(Func<XenstoreMessageType, string, string> ask)
    {
        SortedDictionary<string, string> lines = new(StringComparer.Ordinal);
        Walk("/", ask, lines);
        return string.Join('\n', lines.Select(line => $"{line.Key} {line.Value}"));
    }

    private static void Walk(string path, Func<XenstoreMessageType, string, string> ask, SortedDictionary<string, string> lines)
    {
        lines[path] = $"{ask(XenstoreMessageType.Read, path + "|")} {ask(XenstoreMessageType.GetPerms, path + "|")}";
        foreach (string child in ask(XenstoreMessageType.Directory, path + "|").Split('|', StringSplitOptions.RemoveEmptyEntries))
            Walk(path == "/" ? "/" + child : $"{path}/{child}", ask, lines);
    }
}
