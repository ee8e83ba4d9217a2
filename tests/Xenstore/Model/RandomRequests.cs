// SPDX-License-Identifier: MIT
// Random requests about few nodes, so that they meet. Used by the model tests and the comparison with Debian's daemons.

using System;
using System.Linq;
using XenSharp.Abi;

namespace XenSharp.Tests.Xenstore.Model;

internal sealed class RandomRequests(int seed)
{
    private static readonly string[] s_names = ["a", "b", "c", "longer-name", "d"];

    private readonly Random _random = new(seed);

    public int Next(int below) => _random.Next(below);

    public string Path()
    {
        int depth = 1 + _random.Next(4);
        return string.Concat(Enumerable.Range(0, depth).Select(_ => "/" + s_names[_random.Next(s_names.Length)]));
    }

    public (XenstoreMessageType Type, string Payload) Make() => _random.Next(20) switch
    {
        < 5 => (XenstoreMessageType.Read, Path() + "|"),
        < 11 => (XenstoreMessageType.Write, $"{Path()}|{new string((char)('0' + _random.Next(10)), _random.Next(40))}"),
        < 13 => (XenstoreMessageType.Mkdir, Path() + "|"),
        < 15 => (XenstoreMessageType.Rm, Path() + "|"),
        < 17 => (XenstoreMessageType.Directory, Path() + "|"),
        < 18 => (XenstoreMessageType.GetPerms, Path() + "|"),
        _ => (XenstoreMessageType.SetPerms, $"{Path()}|{"nrwb"[_random.Next(4)]}{_random.Next(4)}|{(_random.Next(2) == 0 ? $"r{_random.Next(4)}|" : "")}"),
    };
}
