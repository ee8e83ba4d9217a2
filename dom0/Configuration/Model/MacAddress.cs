// SPDX-License-Identifier: MIT
// The hardware address of a network interface, and the random identity of a Windows guest.
using System;
using System.Globalization;
using System.Linq;

namespace XenSharp.Configuration;

/// <summary>Six bytes of a network interface's address (<c>libxl_mac</c>).</summary>
/// <param name="Value">The bytes in writing order, the first in bits 40 to 47.</param>
public readonly record struct MacAddress(ulong Value)
{
    /// <summary>All zero: not chosen yet.</summary>
    public bool IsUnset => Value == 0;

    /// <summary>
    /// Reads six hexadecimal numbers with one character between each two, whatever it is; the bytes of an address from a file are parted by colons.
    /// What follows the sixth is not looked at, as in xl.
    /// </summary>
    public static bool TryParse(string text, out MacAddress address)
    {
        address = default;
        ulong value = 0;
        int at = 0;
        for (int i = 0; i < 6; i++)
        {
            int start = at;
            while (at < text.Length && char.IsAsciiHexDigit(text[at])) at++;
            if (at == start || at - start > 8) return false;
            uint part = uint.Parse(text.AsSpan(start, at - start), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            if (part > 255) return false;
            value = value << 8 | part;
            at++;
        }
        address = new MacAddress(value);
        return true;
    }

    public override string ToString() => string.Join(':', Enumerable.Range(0, 6).Select(Byte));

    private string Byte(int index) => ((byte)(Value >> (40 - 8 * index))).ToString("x2", CultureInfo.InvariantCulture);
}

/// <summary>A virtual machine generation id (<c>libxl_ms_vm_genid</c>): sixteen bytes that change when a guest is copied.</summary>
public sealed record GenerationId(UInt128 Value)
{
    /// <summary>A new one from the system's source of randomness.</summary>
    public static GenerationId Generate()
    {
        Span<byte> bytes = stackalloc byte[16];
        // The framework's random numbers need OpenSSL, which a small dom0 has not; a GUID's come from the kernel.
        Guid.NewGuid().TryWriteBytes(bytes);
        return FromBytes(bytes);
    }

    /// <summary>From sixteen bytes in the order of libxl.</summary>
    public static GenerationId FromBytes(ReadOnlySpan<byte> bytes) => new(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes));

    /// <summary>The bytes in the order of libxl.</summary>
    public byte[] ToBytes()
    {
        byte[] bytes = new byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);
        return bytes;
    }
}
