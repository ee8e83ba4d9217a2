// SPDX-License-Identifier: MIT
// Values as text and back, as Xen's tools write them. Used by all tools.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace XenSharp.XenstoreTools;

internal static class Escapes
{
    public static string Escape(ReadOnlySpan<byte> value)
    {
        StringBuilder text = new(value.Length);
        foreach (byte code in value)
        {
            text.Append(code switch
            {
                (byte)'\\' => "\\\\",
                (byte)'\t' => "\\t",
                (byte)'\n' => "\\n",
                (byte)'\r' => "\\r",
                >= (byte)' ' and <= (byte)'~' => ((char)code).ToString(),
                < 8 => "\\" + Convert.ToString(code, 8).PadLeft(3, '0'),
                _ => string.Create(CultureInfo.InvariantCulture, $"\\x{code:x2}"),
            });
        }
        return text.ToString();
    }

    public static byte[] Unescape(string text)
    {
        byte[] source = Encoding.UTF8.GetBytes(text);
        List<byte> value = new(source.Length);
        for (int index = 0; index < source.Length; index++)
        {
            if (source[index] != '\\' || index + 1 == source.Length)
            {
                value.Add(source[index]);
                continue;
            }
            byte code = source[++index];
            switch (code)
            {
                case (byte)'t': value.Add((byte)'\t'); break;
                case (byte)'n': value.Add((byte)'\n'); break;
                case (byte)'r': value.Add((byte)'\r'); break;
                case (byte)'x': index = AddNumber(source, index + 1, 2, 16, value) - 1; break;
                case >= (byte)'0' and <= (byte)'7': index = AddNumber(source, index, 3, 8, value) - 1; break;
                default: value.Add(code); break;
            }
        }
        return [.. value];
    }

    private static int AddNumber(byte[] source, int start, int mostDigits, int radix, List<byte> value)
    {
        int number = 0;
        int end = start;
        while (end < source.Length && end < start + mostDigits && char.IsAsciiHexDigit((char)source[end]) && Convert.ToInt32(((char)source[end]).ToString(), 16) < radix)
            number = number * radix + Convert.ToInt32(((char)source[end++]).ToString(), 16);
        value.Add(end == start ? (byte)'x' : (byte)number);
        return end;
    }
}
