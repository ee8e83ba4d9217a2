// SPDX-License-Identifier: MIT
// Xenstore as a table in memory. Reading its events ends when nothing has changed any more.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using XenSharp.BlockBackend.Xenbus;

namespace XenSharp.Tests.BlockBackend;

internal sealed class FakeStore : DeviceStore
{
    private readonly List<string> _watches = [];
    private readonly Queue<string> _events = [];

    public Dictionary<string, string> Nodes { get; } = [];

    public int Watches => _watches.Count;

    /// <summary>Called when nothing is left to tell: the world's next step; false ends the connection.</summary>
    public Func<bool> NextStep { get; set; } = () => false;

    public override IEnumerable<string> Events
    {
        get
        {
            do
            {
                while (_events.TryDequeue(out string? path))
                    yield return path;
            }
            while (NextStep());
        }
    }

    public override string? Read(string path) => Nodes.GetValueOrDefault(path);

    /// <summary>As xenstored, it refuses what the owner has taken away above: a backend directory that is gone is not made again.</summary>
    public override void Write(string path, string value)
    {
        if (Refused is { } refused && path.StartsWith(refused, StringComparison.Ordinal))
            throw new IOException($"xenstore refuses: {path}");
        Nodes[path] = value;
        Tell(path);
    }

    public string? Refused { get; set; }

    public void Remove(string path)
    {
        foreach (string node in Nodes.Keys.Where(node => node == path || node.StartsWith(path + "/", StringComparison.Ordinal)).ToArray())
            Nodes.Remove(node);
        Tell(path);
    }

    public void Tell(string path)
    {
        foreach (string watch in _watches.Where(watch => path == watch || path.StartsWith(watch + "/", StringComparison.Ordinal) || watch.StartsWith(path + "/", StringComparison.Ordinal)))
            _events.Enqueue(watch);
    }

    public override string[] List(string path) =>
        Nodes.Keys.Where(node => node.StartsWith(path + "/", StringComparison.Ordinal)).Select(node => node[(path.Length + 1)..].Split('/')[0]).Distinct().ToArray();

    public override IDisposable Watch(string path)
    {
        _watches.Add(path);
        _events.Enqueue(path);
        return new Ending(() => _watches.Remove(path));
    }

    internal sealed class Ending(Action action) : IDisposable
    {
        public void Dispose() => action();
    }
}
