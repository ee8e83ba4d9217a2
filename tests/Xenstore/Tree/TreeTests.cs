// SPDX-License-Identifier: MIT
// The tree itself: large directories, snapshots that stand still, memory that comes back.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using XenSharp.Xenstore.Tree;
using Xunit;

namespace XenSharp.Tests.Xenstore.Tree;

public sealed class TreeTests
{
    private readonly StoreTree _tree = new();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void LargeDirectoriesKeepOrderAndLengths(int seed)
    {
        Random random = new(seed);
        SortedSet<string> names = new(StringComparer.Ordinal);
        for (int step = 0; step < 30_000; step++)
        {
            string name = $"n{random.Next(4000)}{new string('x', random.Next(12) == 0 ? random.Next(300) : 0)}";
            if (names.Contains(name) && random.Next(3) > 0)
            {
                _tree.Remove(_tree.Main, Path("/d/" + name), _tree.Generation + 1, 0);
                names.Remove(name);
            }
            else if (names.Add(name))
            {
                Write(_tree.Main, "/d/" + name, "v" + name);
            }
        }
        uint directory = _tree.Find(_tree.Main, "/d"u8).Node;
        Assert.Equal(names.Sum(name => name.Length + 1), _tree.ListBytes(directory));
        Assert.Equal(names, List(directory, 0));
        foreach (string name in names)
            Assert.Equal("v" + name, Read(_tree.Main, "/d/" + name));
        string whole = string.Concat(names.Select(name => name + "|"));
        for (int skip = 0; skip < whole.Length; skip += 997)
        {
            string expected = whole[skip..];
            string got = string.Concat(List(directory, skip).Select(name => name + "|"));
            Assert.Equal(expected, got);
        }
    }

    [Fact]
    public void SnapshotsStandStillAndMemoryComesBack()
    {
        for (int index = 0; index < 1000; index++)
            Write(_tree.Main, $"/base/n{index}", "0");
        long before = _tree.UsedBytes;
        Random random = new(7);
        List<(Snapshot Snapshot, Branch Branch, Dictionary<string, string> Expected)> snapshots = [];
        Dictionary<string, string> current = Enumerable.Range(0, 1000).ToDictionary(index => $"/base/n{index}", _ => "0");
        for (int step = 0; step < 20_000; step++)
        {
            string path = $"/base/n{random.Next(1000)}";
            current[path] = random.Next(1_000_000).ToString();
            Write(_tree.Main, path, current[path]);
            if (random.Next(200) == 0)
            {
                Snapshot snapshot = _tree.TakeSnapshot();
                snapshots.Add((snapshot, _tree.Fork(snapshot), new Dictionary<string, string>(current)));
            }
            if (snapshots.Count > 8)
            {
                (Snapshot snapshot, Branch branch, Dictionary<string, string> expected) = snapshots[random.Next(snapshots.Count)];
                for (int probe = 0; probe < 20; probe++)
                {
                    string probed = $"/base/n{random.Next(1000)}";
                    Assert.Equal(expected[probed], Read(branch, probed));
                }
                Write(branch, "/base/n1", "mine");
                snapshots.RemoveAll(entry => entry.Snapshot == snapshot);
                _tree.Discard(branch);
                _tree.Release(snapshot);
            }
            _tree.Reclaim(64);
        }
        foreach ((Snapshot snapshot, Branch branch, _) in snapshots)
        {
            _tree.Discard(branch);
            _tree.Release(snapshot);
        }
        _tree.Reclaim(int.MaxValue);
        foreach (string path in current.Keys)
            Write(_tree.Main, path, "0");
        Assert.Equal(before, _tree.UsedBytes);
        _tree.Remove(_tree.Main, "/base"u8, 1, 0);
        Assert.Equal(new StoreTree().UsedBytes, _tree.UsedBytes);
    }

    [Fact]
    public void AnAdoptedBranchIsTheTree()
    {
        Write(_tree.Main, "/a/b", "1");
        Snapshot snapshot = _tree.TakeSnapshot();
        Branch branch = _tree.Fork(snapshot);
        Write(branch, "/a/b", "2");
        Write(branch, "/a/c", "3");
        _tree.Remove(branch, "/a/c"u8, 9, 0);
        Assert.Equal("1", Read(_tree.Main, "/a/b"));
        _tree.Adopt(branch);
        _tree.Release(snapshot);
        Assert.Equal("2", Read(_tree.Main, "/a/b"));
        Assert.False(_tree.Find(_tree.Main, "/a/c"u8).Exists);
        Assert.Throws<InvalidOperationException>(() => { Branch old = _tree.Fork(null); Write(_tree.Main, "/x", ""); _tree.Adopt(old); });
    }

    private void Write(Branch branch, string path, string value)
    {
        if (_tree.Find(branch, Path(path)).Exists)
            _tree.SetValue(branch, Path(path), Path(value), _tree.Generation + 1, 0);
        else
            _tree.Create(branch, Path(path), Path(value), _tree.Generation + 1, 0, null);
    }

    private string Read(Branch branch, string path) => Encoding.ASCII.GetString(_tree.View(_tree.Find(branch, Path(path)).Node).Value);

    private string[] List(uint node, int skip)
    {
        byte[] buffer = new byte[1 << 20];
        int length = _tree.List(node, skip, buffer, out bool isComplete);
        Assert.True(isComplete);
        string text = Encoding.ASCII.GetString(buffer, 0, length);
        return text.Length == 0 ? [] : text[..^1].Split('\0');
    }

    private static byte[] Path(string text) => Encoding.ASCII.GetBytes(text);
}
