// SPDX-License-Identifier: MIT
// A set of small numbers: CPUs, vCPUs, nodes, enlightenments.
using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;

namespace XenSharp.Configuration;

/// <summary>An immutable set of small numbers (<c>libxl_bitmap</c>), enumerated in rising order. Two with the same members are equal.</summary>
public sealed class Bitmap : IReadOnlyCollection<int>, IEquatable<Bitmap>
{
    private readonly int[] _members;

    /// <summary>A set of these numbers; none may be negative.</summary>
    public Bitmap(IEnumerable<int> members)
    {
        _members = [.. members.Distinct().Order()];
        if (_members.Length > 0) ArgumentOutOfRangeException.ThrowIfNegative(_members[0], nameof(members));
    }

    /// <summary>The numbers from <paramref name="first"/> on, <paramref name="count"/> of them.</summary>
    public static Bitmap Range(int first, int count) => new(Enumerable.Range(first, count));

    public static Bitmap Empty { get; } = new([]);

    public int Count => _members.Length;
    public bool IsEmpty => _members.Length == 0;
    public bool Contains(int member) => Array.BinarySearch(_members, member) >= 0;

    /// <summary>The members that are in both.</summary>
    public Bitmap And(Bitmap other) => new(_members.Where(other.Contains));

    public bool Equals(Bitmap? other) => other is not null && _members.AsSpan().SequenceEqual(other._members);
    public override bool Equals(object? other) => Equals(other as Bitmap);
    public override int GetHashCode() => _members.Aggregate(_members.Length, HashCode.Combine);
    public IEnumerator<int> GetEnumerator() => ((IEnumerable<int>)_members).GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>As in a configuration: <c>0-3,6</c>.</summary>
    public override string ToString()
    {
        var parts = new List<string>();
        for (int i = 0; i < _members.Length; i++)
        {
            int first = i;
            while (i + 1 < _members.Length && _members[i + 1] == _members[i] + 1) i++;
            parts.Add(first == i ? $"{_members[i]}" : $"{_members[first]}-{_members[i]}");
        }
        return string.Join(',', parts);
    }
}
