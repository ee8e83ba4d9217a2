// SPDX-License-Identifier: MIT
// What an instruction that accesses memory-mapped I/O does, as far as the emulator must know.

namespace XenSharp.Devices.Instructions;

/// <summary>Default operand and address size of the code segment.</summary>
public enum CodeSize
{
    Bits16 = 2,
    Bits32 = 4,
    Bits64 = 8,
}

/// <summary>What is done with the memory operand.</summary>
public enum MemoryOperation
{
    /// <summary>Register = memory, possibly extended.</summary>
    Load,

    /// <summary>Memory = register or immediate.</summary>
    Store,

    /// <summary>Memory = memory op source, flags set.</summary>
    And,
    Or,
    Xor,

    /// <summary>Register = register op memory, flags set.</summary>
    LoadAnd,
    LoadOr,
    LoadXor,

    /// <summary>Flags of memory - source.</summary>
    Compare,

    /// <summary>Flags of register - memory.</summary>
    CompareRegister,

    /// <summary>Flags of memory and source.</summary>
    Test,

    Exchange,
}

/// <summary>The result of <see cref="InstructionDecoder.TryDecode"/>.</summary>
public struct MemoryInstruction
{
    public MemoryOperation Operation;

    /// <summary>Bytes of the whole instruction.</summary>
    public int Length;

    /// <summary>Bytes of the memory access: 1, 2, 4 or 8.</summary>
    public int Size;

    /// <summary>Encoding of the register operand, 0..15.</summary>
    public int Register;

    /// <summary>Bytes of the register operand; larger than <see cref="Size"/> for the extending loads.</summary>
    public int RegisterSize;

    /// <summary>The register operand is ah, ch, dh or bh (of registers 0..3).</summary>
    public bool IsHighByte;

    public bool SignExtends;

    /// <summary>The source is <see cref="Immediate"/>, not the register.</summary>
    public bool HasImmediate;

    /// <summary>Sign-extended to 64 bits.</summary>
    public ulong Immediate;
}
