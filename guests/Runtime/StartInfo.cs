// SPDX-License-Identifier: MIT
// What the domain builder handed over in ebx (`xen/include/public/arch-x86/hvm/start_info.h`).

using System;
using System.Buffers.Binary;

namespace XenSharp.Guests;

public static unsafe class StartInfo
{
    // SAFETY: written once by the boot code; the structure is 56 bytes from version 1 on, 40 before, in identity-mapped memory.
    public static ulong Address => *(uint*)Native.StartInfo();

    public static ReadOnlySpan<byte> Bytes => Machine.Physical(Address, 56);

    public static uint Magic => BinaryPrimitives.ReadUInt32LittleEndian(Bytes);

    public static uint Version => BinaryPrimitives.ReadUInt32LittleEndian(Bytes.Slice(4));

    public static uint Flags => BinaryPrimitives.ReadUInt32LittleEndian(Bytes.Slice(8));

    public static uint ModuleCount => BinaryPrimitives.ReadUInt32LittleEndian(Bytes.Slice(12));

    public static ulong ModuleList => BinaryPrimitives.ReadUInt64LittleEndian(Bytes.Slice(16));

    public static ulong CommandLineAddress => BinaryPrimitives.ReadUInt64LittleEndian(Bytes.Slice(24));

    public static ulong Rsdp => BinaryPrimitives.ReadUInt64LittleEndian(Bytes.Slice(32));

    public static ReadOnlySpan<byte> CommandLine
    {
        get
        {
            if (CommandLineAddress == 0)
                return default;
            ReadOnlySpan<byte> text = Machine.Physical(CommandLineAddress, 1024);
            int end = text.IndexOf(0);
            return end < 0 ? text : text.Slice(0, end);
        }
    }

    /// <summary>Whether the command line has the word.</summary>
    public static bool Has(ReadOnlySpan<byte> word) => TryFind(word, out ReadOnlySpan<byte> rest) && rest.Length == 0;

    /// <summary>The number behind `name=`, or the default.</summary>
    public static uint Number(ReadOnlySpan<byte> name, uint otherwise)
    {
        if (!TryFind(name, out ReadOnlySpan<byte> rest) || rest.Length < 2 || rest[0] != (byte)'=')
            return otherwise;
        uint value = 0;
        for (int i = 1; i < rest.Length && rest[i] >= (byte)'0' && rest[i] <= (byte)'9'; i++)
            value = (value * 10) + (uint)(rest[i] - '0');
        return value;
    }

    /// <summary>Finds a word that is the name, alone or with `=`; gives what follows the name.</summary>
    private static bool TryFind(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> rest)
    {
        ReadOnlySpan<byte> line = CommandLine;
        int start = 0;
        while (start < line.Length)
        {
            int end = start;
            while (end < line.Length && line[end] != (byte)' ')
                end++;
            ReadOnlySpan<byte> word = line.Slice(start, end - start);
            if (word.StartsWith(name) && (word.Length == name.Length || word[name.Length] == (byte)'='))
            {
                rest = word.Slice(name.Length);
                return true;
            }

            start = end + 1;
        }

        rest = default;
        return false;
    }
}
