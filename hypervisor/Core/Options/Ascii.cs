// SPDX-License-Identifier: MIT
// Comparisons and searches in ASCII text, for the command line, hypfs paths and debug keys.

using System;

namespace XenSharp.Core.Options;

public static class Ascii
{
    public static bool Equal(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b) => a.Length == b.Length && StartsWith(a, b);

    public static bool StartsWith(ReadOnlySpan<byte> text, ReadOnlySpan<byte> prefix)
    {
        if (text.Length < prefix.Length)
            return false;
        for (int i = 0; i < prefix.Length; i++)
        {
            if (text[i] != prefix[i])
                return false;
        }

        return true;
    }

    /// <summary>The first place of a character, or -1.</summary>
    public static int IndexOf(ReadOnlySpan<byte> text, byte character)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == character)
                return i;
        }

        return -1;
    }

    public static ReadOnlySpan<byte> TrimStart(ReadOnlySpan<byte> text)
    {
        int start = 0;
        while (start < text.Length && text[start] == (byte)' ')
            start++;
        return text.Slice(start);
    }

    /// <summary>Whether a list of words, each between spaces (also the first and the last), has the word.</summary>
    public static bool Contains(ReadOnlySpan<byte> list, ReadOnlySpan<byte> word)
    {
        if (word.Length == 0)
            return false;
        for (int i = 0; i + word.Length + 1 < list.Length; i++)
        {
            if (list[i] == (byte)' ' && list[i + word.Length + 1] == (byte)' ' && StartsWith(list.Slice(i + 1), word))
                return true;
        }

        return false;
    }

    /// <summary>Takes the part before the first comma off a list.</summary>
    public static ReadOnlySpan<byte> TakeItem(ref ReadOnlySpan<byte> list)
    {
        int comma = IndexOf(list, (byte)',');
        ReadOnlySpan<byte> item = comma < 0 ? list : list.Slice(0, comma);
        list = comma < 0 ? [] : list.Slice(comma + 1);
        return item;
    }
}
