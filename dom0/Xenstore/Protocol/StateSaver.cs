// SPDX-License-Identifier: MIT
// Saves the state as it is at one moment, in steps between which requests are served: the snapshot stands still. Used by the daemon.

using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using XenSharp.Xenstore.Tree;

namespace XenSharp.Xenstore.Protocol;

/// <summary>Gives the records of a state; in this order they make it anew.</summary>
public sealed class StateSaver : IDisposable
{
    public delegate void Sink(ReadOnlySpan<byte> record);

    private readonly StoreTree _tree;
    private readonly Snapshot _snapshot;
    private readonly Branch _branch;
    private readonly List<byte[]> _before = [];
    private readonly List<byte[]> _after = [];
    private readonly Stack<Level> _levels = new();
    private readonly byte[] _path = new byte[8 * 1024];
    private readonly byte[] _record = new byte[16 * 1024];
    private bool _isStarted;

    internal StateSaver(StoreTree tree)
    {
        _tree = tree;
        _snapshot = tree.TakeSnapshot();
        _branch = tree.Fork(_snapshot);
    }

    public bool IsDone { get; private set; }

    internal void AddBefore(RecordWriter record) => _before.Add(record.Written.ToArray());

    internal void AddAfter(RecordWriter record) => _after.Add(record.Written.ToArray());

    /// <summary>Gives about so many records.</summary>
    public void Step(int records, Sink sink)
    {
        if (!_isStarted)
        {
            _isStarted = true;
            foreach (byte[] record in _before)
                sink(record);
            _path[0] = (byte)'/';
            uint root = _tree.Find(_branch, "/"u8).Node;
            WriteNode(root, 1, sink);
            _levels.Push(new Level(root, 0, 0));
        }
        while (records > 0 && _levels.TryPop(out Level level))
        {
            // Continues in the list of the node's children where it was left.
            DirectoryCursor children = _tree.Children(level.Node, level.Skip);
            int skip = level.Skip;
            bool isDown = false;
            while (records > 0 && !isDown && children.MoveNext())
            {
                ReadOnlySpan<byte> name = children.Name;
                skip += name.Length + 1;
                _path[level.PathLength] = (byte)'/';
                name.CopyTo(_path.AsSpan(level.PathLength + 1));
                int length = level.PathLength + 1 + name.Length;
                WriteNode(children.Node, length, sink);
                records--;
                isDown = _tree.ListBytes(children.Node) > 0;
                if (isDown)
                {
                    _levels.Push(level with { Skip = skip });
                    _levels.Push(new Level(children.Node, length, 0));
                }
            }
            if (!isDown && records == 0)
                _levels.Push(level with { Skip = skip });
        }
        if (_levels.Count > 0 || IsDone)
            return;
        foreach (byte[] record in _after)
            sink(record);
        IsDone = true;
    }

    public void Dispose()
    {
        _tree.Discard(_branch);
        _tree.Release(_snapshot);
    }

    private void WriteNode(uint node, int pathLength, Sink sink)
    {
        NodeView view = _tree.View(node);
        RecordWriter record = new(_record, StateRecord.Node);
        record.Add((ushort)view.LastWriter);
        record.Add(view.Generation);
        record.Add(_path.AsSpan(0, pathLength));
        record.Add(MemoryMarshal.AsBytes(view.Permissions));
        record.Add(view.Value);
        sink(record.Written);
    }

    /// <param name="PathLength">0 for the root, whose children follow the slash at once.</param>
    private readonly record struct Level(uint Node, int PathLength, int Skip);
}
