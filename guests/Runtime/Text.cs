// SPDX-License-Identifier: MIT
// Builds a line of text in a buffer of the caller's; what does not fit is dropped.

using System;

namespace XenSharp.Guests;

public ref struct Text(Span<byte> buffer)
{
    private readonly Span<byte> _buffer = buffer;
    private int _length;

    public readonly ReadOnlySpan<byte> Bytes => _buffer.Slice(0, _length);

    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public ref Text Add(scoped ReadOnlySpan<byte> text)
    {
        for (int i = 0; i < text.Length && _length < _buffer.Length; i++)
            _buffer[_length++] = text[i];
        return ref this;
    }

    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public ref Text Hex(ulong value)
    {
        Add("0x"u8);
        int digits = 1;
        for (ulong rest = value >> 4; rest != 0; rest >>= 4)
            digits++;
        return ref HexDigits(value, digits);
    }

    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public ref Text HexDigits(ulong value, int digits)
    {
        for (int i = digits - 1; i >= 0; i--)
            Add("0123456789abcdef"u8.Slice((int)(value >> (4 * i)) & 15, 1));
        return ref this;
    }

    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public ref Text Decimal(ulong value)
    {
        Span<byte> digits = stackalloc byte[20];
        int start = 20;
        do
        {
            digits[--start] = (byte)('0' + (int)(value % 10));
            value /= 10;
        }
        while (value != 0);
        return ref Add(digits.Slice(start));
    }

    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public ref Text Signed(long value)
    {
        if (value >= 0)
            return ref Decimal((ulong)value);
        Add("-"u8);
        return ref Decimal(0UL - (ulong)value);
    }

    /// <summary>Text of the guest's or the hypervisor's up to the first zero; what is not printable as dots.</summary>
    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public ref Text Foreign(scoped ReadOnlySpan<byte> text)
    {
        for (int i = 0; i < text.Length && text[i] != 0; i++)
            Add(text[i] >= 32 && text[i] < 127 ? text.Slice(i, 1) : "."u8);
        return ref this;
    }
}
