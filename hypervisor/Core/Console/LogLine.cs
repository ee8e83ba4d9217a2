// SPDX-License-Identifier: MIT
// One line under construction.

using System;
using System.Numerics;
using XenSharp.Edge;

namespace XenSharp.Core.Console;

/// <summary>Adds text and numbers to the console's current line; <see cref="End"/> must be called exactly once.</summary>
public readonly ref struct LogLine(HostConsole console, Processor? holder)
{
    public LogLine Text(ReadOnlySpan<byte> text)
    {
        console.Append(text);
        return this;
    }

    public LogLine Character(byte character)
    {
        console.Append(character);
        return this;
    }

    /// <summary>Text from a guest or a file: anything but printable ASCII is shown as '.'.</summary>
    public LogLine Printable(ReadOnlySpan<byte> text)
    {
        foreach (byte character in text)
            console.Append(character is >= 0x20 and < 0x7f ? character : (byte)'.');
        return this;
    }

    public LogLine Decimal(ulong value)
    {
        Span<byte> digits = stackalloc byte[20];
        int position = digits.Length;
        do
        {
            digits[--position] = (byte)('0' + (value % 10));
            value /= 10;
        }
        while (value != 0);
        console.Append(digits.Slice(position));
        return this;
    }

    public LogLine Decimal(long value)
    {
        if (value >= 0)
            return Decimal((ulong)value);
        console.Append((byte)'-');
        return Decimal((ulong)-value);
    }

    public LogLine Decimal(int value) => Decimal((long)value);

    /// <summary>Decimal with leading zeros, for fractions.</summary>
    public LogLine Padded(ulong value, int digits)
    {
        ulong unit = 1;
        for (int i = 1; i < digits; i++)
            unit *= 10;
        for (; unit > 1 && value < unit; unit /= 10)
            console.Append((byte)'0');
        return Decimal(value);
    }

    /// <summary>Hexadecimal without prefix, at least <paramref name="digits"/> wide.</summary>
    public LogLine Hex(ulong value, int digits = 1)
    {
        int needed = Math.Max(digits, (64 - BitOperations.LeadingZeroCount(value | 1) + 3) / 4);
        for (int i = needed - 1; i >= 0; i--)
        {
            int digit = (int)(i >= 16 ? 0 : (value >> (4 * i)) & 15);
            console.Append((byte)(digit < 10 ? '0' + digit : 'a' + digit - 10));
        }

        return this;
    }

    /// <summary>A PCI function of segment 0 as Xen writes it: 0000:bb:dd.f.</summary>
    public LogLine PciAddress(ushort address) =>
        Text("0000:"u8).Hex((ulong)(address >> 8), 2).Text(":"u8).Hex((ulong)(address >> 3) & 0x1f, 2).Text("."u8).Decimal(address & 7);

    public void End() => console.Finish(holder);
}
