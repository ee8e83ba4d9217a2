// SPDX-License-Identifier: MIT
// What a path may look like. Contract: docs/misc/xenstore.txt of Xen 4.17. Used by every operation that names a node or a watch.

using System;
using System.Buffers;
using System.Buffers.Text;

namespace XenSharp.Xenstore.Protocol;

public static class StorePath
{
    /// <summary>Longest path after the part "/local/domain/N/", and longest special name; XENSTORE_REL_PATH_MAX.</summary>
    public const int MostRelative = 2048;

    private static readonly SearchValues<byte> s_allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-/_@"u8);

    public static ReadOnlySpan<byte> DomainPrefix => "/local/domain/"u8;

    public static bool IsSpecial(ReadOnlySpan<byte> path) => path.Length > 0 && path[0] == '@';

    /// <param name="mostRelative">The quota path-max.</param>
    public static bool IsValid(ReadOnlySpan<byte> path, int mostRelative)
    {
        if (path.Length == 0 || path[0] != '/')
            return false;
        if (path.Length > 1 && path[^1] == '/')
            return false;
        return path.Length <= mostRelative + DomainPartLength(path) && !path.ContainsAnyExcept(s_allowed) && path.IndexOf("//"u8) < 0;
    }

    /// <summary>Length of the path above; the root's is the root itself.</summary>
    public static int ParentLength(ReadOnlySpan<byte> path) => Math.Max(path.LastIndexOf((byte)'/'), 1);

    /// <summary>Whether a path is another one or lies below it.</summary>
    public static bool IsAtOrBelow(ReadOnlySpan<byte> path, ReadOnlySpan<byte> ancestor) =>
        ancestor.Length == 1 || (path.StartsWith(ancestor) && (path.Length == ancestor.Length || path[ancestor.Length] == '/'));

    /// <summary>The home of a domain, as bytes in the caller's buffer.</summary>
    public static ReadOnlySpan<byte> Home(int domain, Span<byte> buffer)
    {
        DomainPrefix.CopyTo(buffer);
        Utf8Formatter.TryFormat(domain, buffer[DomainPrefix.Length..], out int digits);
        return buffer[..(DomainPrefix.Length + digits)];
    }

    // Up to five digits and the slash after them do not count against the limit.
    private static int DomainPartLength(ReadOnlySpan<byte> path)
    {
        if (!path.StartsWith(DomainPrefix))
            return 0;
        int position = DomainPrefix.Length;
        while (position < path.Length && position < DomainPrefix.Length + 5 && char.IsAsciiDigit((char)path[position]))
            position++;
        return position > DomainPrefix.Length && position < path.Length && path[position] == '/' ? position + 1 : 0;
    }
}
