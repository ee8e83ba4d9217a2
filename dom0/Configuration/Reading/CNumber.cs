// SPDX-License-Identifier: MIT
// Numbers as C's library reads them, since files rely on it: a base by prefix, leading blanks, an end that the caller looks at.
using System.Globalization;

namespace XenSharp.Configuration.Reading;

/// <summary>strtol, strtoul and atoi of C.</summary>
internal static class CNumber
{
    /// <summary>
    /// Reads a number at <paramref name="at"/> and moves it behind the number. False, with <paramref name="at"/> unchanged, where there is none.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="at">Where it begins.</param>
    /// <param name="radix">8, 10, 16, or 0 for the base that the prefix tells.</param>
    /// <param name="magnitude">The number without its sign, the largest one when it is larger than that.</param>
    /// <param name="isNegative">Whether a minus stood before it.</param>
    public static bool TryRead(string text, ref int at, int radix, out ulong magnitude, out bool isNegative)
    {
        int i = at;
        magnitude = 0;
        isNegative = false;
        while (i < text.Length && (text[i] == ' ' || text[i] is >= '\t' and <= '\r')) i++;
        if (i < text.Length && text[i] is '+' or '-') isNegative = text[i++] == '-';
        if (radix is 0 or 16 && i + 2 < text.Length && text[i] == '0' && text[i + 1] is 'x' or 'X' && char.IsAsciiHexDigit(text[i + 2]))
        {
            i += 2;
            radix = 16;
        }
        else if (radix == 0)
        {
            radix = i < text.Length && text[i] == '0' ? 8 : 10;
        }
        int start = i;
        System.UInt128 value = 0;
        for (; i < text.Length && char.IsAsciiHexDigit(text[i]) && Digit(text[i]) < radix; i++)
        {
            value = value * (uint)radix + (uint)Digit(text[i]);
            if (value > ulong.MaxValue) value = ulong.MaxValue;
        }
        if (i == start) return false;
        magnitude = (ulong)value;
        at = i;
        return true;
    }

    private static int Digit(char letter) => char.IsAsciiDigit(letter) ? letter - '0' : char.ToLowerInvariant(letter) - 'a' + 10;

    /// <summary>strtoul(text, &amp;end, radix): a negative number wraps around.</summary>
    public static bool TryReadUnsigned(string text, ref int at, int radix, out ulong value)
    {
        bool found = TryRead(text, ref at, radix, out ulong magnitude, out bool isNegative);
        value = isNegative && magnitude != ulong.MaxValue ? 0 - magnitude : magnitude;
        return found;
    }

    /// <summary>A whole text that is one number of any base, in the range of a long.</summary>
    public static bool TryParseLong(string text, out long value)
    {
        int at = 0;
        value = 0;
        if (!TryRead(text, ref at, 0, out ulong magnitude, out bool isNegative) || at != text.Length) return false;
        if (magnitude > (isNegative ? 1UL << 63 : long.MaxValue)) return false;
        value = isNegative ? (long)(0 - magnitude) : (long)magnitude;
        return true;
    }

    /// <summary>A whole text of decimal digits.</summary>
    public static bool TryParseDecimal(string text, out uint value) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
}
