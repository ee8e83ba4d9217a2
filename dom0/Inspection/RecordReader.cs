// SPDX-License-Identifier: MIT
// Structures one after the other, and numbers as C's printf writes them. Used by the printers of this folder.

using System;
using System.Globalization;
using System.IO;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace XenSharp.Inspection;

internal ref struct RecordReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _bytes = bytes;

    public readonly int Left => _bytes.Length;

    /// <exception cref="EndOfStreamException">The bytes end before the structure does.</exception>
    public T Read<T>()
        where T : unmanaged
    {
        int size = Unsafe.SizeOf<T>();
        if (_bytes.Length < size)
            throw new EndOfStreamException($"Error: need another {size} bytes, only {_bytes.Length} available");
        T value = MemoryMarshal.Read<T>(_bytes);
        _bytes = _bytes[size..];
        return value;
    }

    public void Skip(int length) => _bytes = _bytes[Math.Min(length, _bytes.Length)..];
}

internal static class Printf
{
    /// <summary>%#WIDTH.PRECISIONx: zero has no 0x.</summary>
    public static string Hex(ulong value, int width = 0, int precision = 1)
    {
        string digits = value.ToString("x" + precision.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        return (value == 0 ? digits : "0x" + digits).PadLeft(width);
    }
}
