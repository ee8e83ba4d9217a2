// SPDX-License-Identifier: MIT
// The bytes before an opcode (AMD APM vol. 3, 1.2).

using System;

namespace XenSharp.Devices.Instructions;

/// <summary>What the prefixes of one instruction say.</summary>
public readonly struct Prefixes
{
    private Prefixes(int length, byte rex, bool hasOperandSize, int addressSize, int segment)
    {
        Length = length;
        _rex = rex;
        _hasOperandSize = hasOperandSize;
        AddressSize = addressSize;
        Segment = segment;
    }

    private readonly byte _rex;
    private readonly bool _hasOperandSize;

    public int Length { get; }

    /// <summary>Bytes of an address: 2, 4 or 8.</summary>
    public int AddressSize { get; }

    /// <summary>Segment override (0 es, 1 cs, 2 ss, 3 ds, 4 fs, 5 gs), or -1.</summary>
    public int Segment { get; }

    public bool HasRex => _rex != 0;

    /// <summary>8 when the register field of ModRM means r8 to r15.</summary>
    public int RegisterExtension => (_rex & 4) << 1;

    public int OperandSize(CodeSize codeSize)
    {
        if ((_rex & 8) != 0)
            return 8;
        return codeSize == CodeSize.Bits16 != _hasOperandSize ? 2 : 4;
    }

    public static Prefixes Read(ReadOnlySpan<byte> code, CodeSize codeSize)
    {
        bool operandSize = false;
        bool addressSize = false;
        int segment = -1;
        byte rex = 0;
        int position = 0;
        for (; position < code.Length; position++)
        {
            byte value = code[position];
            if (value == 0x66)
                operandSize = true;
            else if (value == 0x67)
                addressSize = true;
            else if (value is 0x26 or 0x2e or 0x36 or 0x3e)
                segment = (value >> 3) & 3;
            else if (value is 0x64 or 0x65)
                segment = value - 0x60;
            else if (value is not (0xf0 or 0xf2 or 0xf3))
                break;
        }

        // A REX prefix counts only as the last one; the loop stops at it.
        if (codeSize == CodeSize.Bits64 && position < code.Length && (code[position] & 0xf0) == 0x40)
        {
            rex = code[position];
            position++;
        }

        int natural = (int)codeSize;
        int switched = codeSize == CodeSize.Bits32 ? 2 : 4;
        return new Prefixes(position, rex, operandSize, addressSize ? switched : natural, segment);
    }
}
