// SPDX-License-Identifier: MIT
// Watches and the index that finds those of a path. Contract: docs/misc/xenstore.txt of Xen 4.17, "Watches".

using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace XenSharp.Xenstore.Protocol;

/// <summary>One byte array holds path and token: a hundred thousand watches are two hundred thousand objects, which a collection has to visit.</summary>
internal sealed class Watch(Connection connection, ulong sequence, byte[] text, int pathLength, int relativeStart, int depth)
{
    public const int AnyDepth = -1;

    public Connection Connection { get; } = connection;

    public ulong Sequence { get; } = sequence;

    public ReadOnlySpan<byte> Path => text.AsSpan(0, pathLength);

    public ReadOnlySpan<byte> Token => text.AsSpan(pathLength);

    /// <summary>How much of an event's path its client did not name: the domain's home and the slash; 0 for an absolute watch.</summary>
    public int RelativeStart { get; } = relativeStart;

    /// <summary>How many levels below its path it looks; <see cref="AnyDepth"/> for all.</summary>
    public int Depth { get; } = depth;

    public int Memory => text.Length;

    internal ulong Hash { get; set; }

    internal Watch? NextOfHash { get; set; }

    internal Watch? NextOfConnection { get; set; }

    internal Watch? PreviousOfConnection { get; set; }
}

/// <summary>Watches by the hash of their path. An event at a path asks once for each level, however many watches there are.</summary>
internal sealed class WatchIndex(ulong seed)
{
    private readonly Dictionary<ulong, Watch> _byHash = [];

    public int Count { get; private set; }

    public void Add(Watch watch)
    {
        watch.Hash = Hash(watch.Path);
        ref Watch? first = ref CollectionsMarshal.GetValueRefOrAddDefault(_byHash, watch.Hash, out _);
        watch.NextOfHash = first;
        first = watch;
        Connection connection = watch.Connection;
        watch.PreviousOfConnection = connection.LastWatch;
        if (connection.LastWatch is { } last)
            last.NextOfConnection = watch;
        else
            connection.FirstWatch = watch;
        connection.LastWatch = watch;
        connection.WatchCount++;
        Count++;
    }

    public void Remove(Watch watch)
    {
        Watch first = _byHash[watch.Hash];
        if (first == watch)
        {
            if (watch.NextOfHash is { } next)
                _byHash[watch.Hash] = next;
            else
                _byHash.Remove(watch.Hash);
        }
        else
        {
            Watch before = first;
            while (before.NextOfHash != watch)
                before = before.NextOfHash!;
            before.NextOfHash = watch.NextOfHash;
        }
        Connection connection = watch.Connection;
        if (watch.PreviousOfConnection is { } previous)
            previous.NextOfConnection = watch.NextOfConnection;
        else
            connection.FirstWatch = watch.NextOfConnection;
        if (watch.NextOfConnection is { } following)
            following.PreviousOfConnection = watch.PreviousOfConnection;
        else
            connection.LastWatch = watch.PreviousOfConnection;
        connection.WatchCount--;
        Count--;
    }

    public Watch? Find(Connection connection, ReadOnlySpan<byte> path, ReadOnlySpan<byte> token)
    {
        Watch? watch = _byHash.GetValueOrDefault(Hash(path));
        while (watch is not null && (watch.Connection != connection || !watch.Path.SequenceEqual(path) || !watch.Token.SequenceEqual(token)))
            watch = watch.NextOfHash;
        return watch;
    }

    /// <summary>Adds the watches that an event concerns, in the order in which connections and watches were made.</summary>
    /// <param name="isExact">Whether only watches of the very path are meant: it went together with one above it.</param>
    public void Match(ReadOnlySpan<byte> path, bool isExact, List<Watch> matches)
    {
        if (Count == 0)
            return;
        int before = matches.Count;
        if (isExact)
        {
            AddMatches(Hash(path), path, 0, matches);
        }
        else if (StorePath.IsSpecial(path))
        {
            AddMatches(Hash(path), path, Watch.AnyDepth, matches);
        }
        else
        {
            int levels = path.Length == 1 ? 0 : path.Count((byte)'/');
            AddMatches(Hash("/"u8), "/"u8, levels, matches);
            for (int end = 1; end < path.Length; levels--)
            {
                int next = path[end..].IndexOf((byte)'/');
                end = next < 0 ? path.Length : end + next;
                AddMatches(Hash(path[..end]), path[..end], levels - 1, matches);
                end++;
            }
        }
        if (matches.Count - before > 1)
            matches.Sort(before, matches.Count - before, s_order);
    }

    private static readonly Comparer<Watch> s_order = Comparer<Watch>.Create((left, right) =>
        left.Connection.Id != right.Connection.Id ? left.Connection.Id.CompareTo(right.Connection.Id) : left.Sequence.CompareTo(right.Sequence));

    private void AddMatches(ulong hash, ReadOnlySpan<byte> path, int levels, List<Watch> matches)
    {
        if (!_byHash.TryGetValue(hash, out Watch? watch))
            return;
        for (; watch is not null; watch = watch.NextOfHash)
        {
            if (watch.Path.SequenceEqual(path) && (watch.Depth == Watch.AnyDepth || levels <= watch.Depth))
                matches.Add(watch);
        }
    }

    private ulong Hash(ReadOnlySpan<byte> path) => PathHash.Mix(seed, path);
}
