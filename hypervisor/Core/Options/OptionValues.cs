// SPDX-License-Identifier: MIT
// Values of options: booleans, integers, sizes, log levels, serial lines.

using System;

namespace XenSharp.Core.Options;

/// <summary>Each returns false when the text is not a value of its kind; nothing else has changed then.</summary>
public static class OptionValues
{
    public static bool TryBoolean(ReadOnlySpan<byte> text, out bool value)
    {
        value = Ascii.Contains(" yes on true enable 1 "u8, text);
        return value || Ascii.Contains(" no off false disable 0 "u8, text);
    }

    /// <summary>Decimal, 0x hexadecimal or 0 octal.</summary>
    public static bool TryInteger(ReadOnlySpan<byte> text, out ulong value)
    {
        bool whole = TakeInteger(ref text, out value);
        return whole && text.Length == 0;
    }

    /// <summary>A size with unit B, K, M, G or T; without one it counts KiB, as in Xen.</summary>
    public static bool TryAmount(ReadOnlySpan<byte> text, out MemoryAmount amount)
    {
        amount = default;
        amount.IsGiven = true;
        if (text.Length != 0 && text[0] == (byte)'-')
        {
            amount.IsRest = true;
            text = text.Slice(1);
        }

        bool first = true;
        while (true)
        {
            if (!TakeInteger(ref text, out ulong number))
                return false;
            if (text.Length != 0 && text[0] == (byte)'%')
            {
                if (number >= 100)
                    return false;
                amount.Percent = (uint)number;
                text = text.Slice(1);
                return text.Length == 0;
            }

            if (!first || !TakeUnit(ref text, out int shift) || number > ulong.MaxValue >> shift)
                return false;
            amount.Bytes = number << shift;
            if (text.Length == 0)
                return true;
            if (text[0] != (byte)'+')
                return false;
            text = text.Slice(1);
            first = false;
        }
    }

    /// <summary>level[/level]: none, error, warning, info, debug, all.</summary>
    public static bool TryLevels(ReadOnlySpan<byte> text, out int always, out int limited)
    {
        int slash = Ascii.IndexOf(text, (byte)'/');
        bool valid = TryLevel(slash < 0 ? text : text.Slice(0, slash), out always);
        limited = always;
        if (valid && slash >= 0)
            valid = TryLevel(text.Slice(slash + 1), out limited);
        if (limited < always)
            limited = always;
        return valid;
    }

    /// <summary>baud[/clock][,DPS[,port[,irq]]]; baud may be `auto`.</summary>
    public static bool TrySerial(ReadOnlySpan<byte> text, SerialPortOptions port)
    {
        ReadOnlySpan<byte> speed = Ascii.TakeItem(ref text);
        int slash = Ascii.IndexOf(speed, (byte)'/');
        ReadOnlySpan<byte> baud = slash < 0 ? speed : speed.Slice(0, slash);
        ulong value = 0, clock = port.ClockHz;
        if (baud.Length != 0 && !Ascii.Equal(baud, "auto"u8) && !TryInteger(baud, out value))
            return false;
        if (slash >= 0)
        {
            if (!TryInteger(speed.Slice(slash + 1), out clock))
                return false;
            clock <<= 4;
        }

        ReadOnlySpan<byte> format = Ascii.TakeItem(ref text);
        if (format.Length != 0
            && (format.Length != 3 || format[0] is < (byte)'5' or > (byte)'8' || !Ascii.Contains(" n o e m s "u8, format.Slice(1, 1))
                || format[2] is not ((byte)'1' or (byte)'2')))
            return false;
        ReadOnlySpan<byte> place = Ascii.TakeItem(ref text);
        ulong address = port.Port, irq = (ulong)port.Irq;
        if (place.Length != 0 && (!TryInteger(place, out address) || address > 0xfff8))
            return false;
        ReadOnlySpan<byte> line = Ascii.TakeItem(ref text);
        if (line.Length != 0 && (!TryInteger(line, out irq) || irq > 255))
            return false;
        if (text.Length != 0)
            return false; // PCI addresses of serial cards
        port.Baud = (uint)value;
        port.ClockHz = (uint)clock;
        if (format.Length != 0)
        {
            port.DataBits = (byte)(format[0] - (byte)'0');
            port.Parity = format[1];
            port.StopBits = (byte)(format[2] - (byte)'0');
        }

        port.Port = (ushort)address;
        port.Irq = (int)irq;
        return true;
    }

    private static bool TryLevel(ReadOnlySpan<byte> text, out int level)
    {
        level = Ascii.Equal(text, "none"u8) ? 0
            : Ascii.Equal(text, "error"u8) ? 1
            : Ascii.Equal(text, "warning"u8) ? 2
            : Ascii.Equal(text, "info"u8) ? 3
            : Ascii.Equal(text, "debug"u8) || Ascii.Equal(text, "all"u8) ? 4
            : -1;
        return level >= 0;
    }

    private static bool TakeInteger(ref ReadOnlySpan<byte> text, out ulong value)
    {
        value = 0;
        uint radix = 10;
        if (text.Length > 2 && text[0] == (byte)'0' && (text[1] | 0x20) == 'x')
        {
            radix = 16;
            text = text.Slice(2);
        }
        else if (text.Length > 1 && text[0] == (byte)'0')
        {
            radix = 8;
        }

        int digits = 0;
        for (; digits < text.Length; digits++)
        {
            int character = text[digits];
            int digit = character is >= '0' and <= '9' ? character - '0' : (character | 0x20) is >= 'a' and <= 'f' ? (character | 0x20) - 'a' + 10 : 99;
            if (digit >= (int)radix)
                break;
            if (value > (ulong.MaxValue - (ulong)digit) / radix)
                return false;
            value = (value * radix) + (ulong)digit;
        }

        text = text.Slice(digits);
        return digits != 0;
    }

    private static bool TakeUnit(ref ReadOnlySpan<byte> text, out int shift)
    {
        shift = 10;
        if (text.Length == 0 || text[0] == (byte)'+')
            return true;
        switch (text[0] | 0x20)
        {
            case 't': shift = 40; break;
            case 'g': shift = 30; break;
            case 'm': shift = 20; break;
            case 'k': shift = 10; break;
            case 'b': shift = 0; break;
            default: return false;
        }

        text = text.Slice(1);
        return true;
    }
}
