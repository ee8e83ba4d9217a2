// SPDX-License-Identifier: MIT
// The store as simply as it can be written: a sorted dictionary. What the real one is compared with.

using System;
using System.Collections.Generic;
using System.Linq;
using XenSharp.Abi;

namespace XenSharp.Tests.Xenstore.Model;

internal sealed class NaiveStore
{
    private readonly SortedDictionary<string, (string Value, string Permissions)> _nodes = new(StringComparer.Ordinal)
    {
        ["/"] = ("", "n0|"), ["/tool"] = ("", "n0|"), ["/tool/xenstored"] = ("", "n0|"),
    };

    /// <summary>Answers as a privileged client sees them.</summary>
    public string Ask(XenstoreMessageType type, string payload)
    {
        int end = payload.IndexOf('|');
        string path = payload[..end];
        string rest = payload[(end + 1)..];
        bool exists = _nodes.TryGetValue(path, out (string Value, string Permissions) node);
        switch (type)
        {
            case XenstoreMessageType.Read:
                return exists ? node.Value : "ENOENT";
            case XenstoreMessageType.GetPerms:
                return exists ? node.Permissions : "ENOENT";
            case XenstoreMessageType.Directory:
                return exists ? string.Concat(Children(path).Select(child => child[(child.LastIndexOf('/') + 1)..] + "|")) : "ENOENT";
            case XenstoreMessageType.Write:
                Make(path);
                _nodes[path] = (rest, _nodes[path].Permissions);
                return "OK|";
            case XenstoreMessageType.Mkdir:
                Make(path);
                return "OK|";
            case XenstoreMessageType.SetPerms:
                if (!exists)
                    return "ENOENT";
                _nodes[path] = (node.Value, rest);
                return "OK|";
            case XenstoreMessageType.Rm:
                if (!exists)
                    return _nodes.ContainsKey(Parent(path)) ? "OK|" : "ENOENT";
                foreach (string below in _nodes.Keys.Where(key => key == path || key.StartsWith(path + "/", StringComparison.Ordinal)).ToList())
                    _nodes.Remove(below);
                return "OK|";
            default:
                throw new ArgumentOutOfRangeException(nameof(type));
        }
    }

    public string Dump() => string.Join('\n', _nodes.Select(node => $"{node.Key} {node.Value.Value} {node.Value.Permissions}"));

    private IEnumerable<string> Children(string path)
    {
        string prefix = path == "/" ? "/" : path + "/";
        return _nodes.Keys.Where(key => key.Length > prefix.Length && key.StartsWith(prefix, StringComparison.Ordinal) && key.IndexOf('/', prefix.Length) < 0);
    }

    private void Make(string path)
    {
        if (_nodes.ContainsKey(path))
            return;
        Make(Parent(path));
        _nodes[path] = ("", _nodes[Parent(path)].Permissions);
    }

    private static string Parent(string path) => path.LastIndexOf('/') is > 0 and int slash ? path[..slash] : "/";
}
