// SPDX-License-Identifier: MIT
// Decodes the few instructions with which kernels access memory-mapped I/O (AMD APM vol. 3, appendix A). Pure: bytes in, meaning out.

using System;
using System.Buffers.Binary;

namespace XenSharp.Devices.Instructions;

/// <summary>MOV in all its forms, MOVZX, MOVSX, and AND, OR, XOR, CMP, TEST, XCHG with memory. String instructions are refused.</summary>
public static class InstructionDecoder
{
    /// <summary>No instruction is longer.</summary>
    public const int MaxLength = 15;

    /// <summary>False when the instruction is not one of those supported, has no memory operand, or is cut off.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> code, CodeSize codeSize, out MemoryInstruction instruction)
    {
        instruction = default;
        if (code.Length > MaxLength)
            code = code.Slice(0, MaxLength);
        Prefixes prefixes = Prefixes.Read(code, codeSize);
        int position = prefixes.Length;
        if (position >= code.Length)
            return false;
        int operandSize = prefixes.OperandSize(codeSize);
        byte opcode = code[position++];
        switch (opcode)
        {
            case 0x0f:
                return position < code.Length && Extending(code, position + 1, code[position], prefixes, operandSize, ref instruction);
            case 0x63 when codeSize == CodeSize.Bits64:
                instruction.SignExtends = true;
                return Memory(code, position, prefixes, MemoryOperation.Load, 4, operandSize, 0, ref instruction);
            case 0x84 or 0x85:
                return Memory(code, position, prefixes, MemoryOperation.Test, opcode, operandSize, ref instruction);
            case 0x86 or 0x87:
                return Memory(code, position, prefixes, MemoryOperation.Exchange, opcode, operandSize, ref instruction);
            case 0x88 or 0x89:
                return Memory(code, position, prefixes, MemoryOperation.Store, opcode, operandSize, ref instruction);
            case 0x8a or 0x8b:
                return Memory(code, position, prefixes, MemoryOperation.Load, opcode, operandSize, ref instruction);
            case >= 0xa0 and <= 0xa3:
                return Offset(code, position, prefixes, opcode, operandSize, ref instruction);
            case 0xc6 or 0xc7:
                return Group(code, position, 0) && Memory(code, position, prefixes, MemoryOperation.Store, opcode, operandSize, ref instruction)
                    && Immediate(code, (opcode & 1) == 0 ? 1 : Math.Min(operandSize, 4), ref instruction);
            case 0xf6 or 0xf7:
                return Group(code, position, 0) && Memory(code, position, prefixes, MemoryOperation.Test, opcode, operandSize, ref instruction)
                    && Immediate(code, (opcode & 1) == 0 ? 1 : Math.Min(operandSize, 4), ref instruction);
            case 0x80 or 0x81 or 0x83:
                return position < code.Length
                    && TryGetArithmetic((code[position] >> 3) & 7, toRegister: 0, out MemoryOperation group)
                    && Memory(code, position, prefixes, group, opcode, operandSize, ref instruction)
                    && Immediate(code, opcode == 0x81 ? Math.Min(operandSize, 4) : 1, ref instruction);
            case < 0x40 when (opcode & 7) < 4:
                return TryGetArithmetic(opcode >> 3, opcode & 2, out MemoryOperation arithmetic)
                    && Memory(code, position, prefixes, arithmetic, opcode, operandSize, ref instruction);
            default:
                return false;
        }
    }

    /// <summary>
    /// The length of the instruction at the start of <paramref name="code"/> if behind its prefixes it is
    /// <paramref name="opcode"/> (which includes fixed ModRM bytes), else 0.
    /// </summary>
    public static int LengthOf(ReadOnlySpan<byte> code, CodeSize codeSize, ReadOnlySpan<byte> opcode)
    {
        if (code.StartsWith(opcode))
            return opcode.Length;
        int prefixes = Prefixes.Read(code, codeSize).Length;
        int length = prefixes + opcode.Length;
        return length <= Math.Min(MaxLength, code.Length) && code.Slice(prefixes).StartsWith(opcode) ? length : 0;
    }

    private static bool Extending(ReadOnlySpan<byte> code, int position, byte opcode, in Prefixes prefixes, int operandSize, ref MemoryInstruction instruction)
    {
        if (opcode is not (0xb6 or 0xb7 or 0xbe or 0xbf))
            return false;
        instruction.SignExtends = opcode >= 0xbe;
        return Memory(code, position, prefixes, MemoryOperation.Load, (opcode & 1) == 0 ? 1 : 2, operandSize, 0, ref instruction);
    }

    // MOV between the accumulator and an absolute address.
    private static bool Offset(ReadOnlySpan<byte> code, int position, in Prefixes prefixes, byte opcode, int operandSize, ref MemoryInstruction instruction)
    {
        instruction.Operation = opcode < 0xa2 ? MemoryOperation.Load : MemoryOperation.Store;
        instruction.Size = (opcode & 1) == 0 ? 1 : operandSize;
        instruction.RegisterSize = instruction.Size;
        instruction.Length = position + prefixes.AddressSize;
        return instruction.Length <= code.Length;
    }

    private static bool Group(ReadOnlySpan<byte> code, int position, int extension) =>
        position < code.Length && ((code[position] >> 3) & 7) == extension;

    // The eight operations of the 00..3f block and of groups 80..83; those that need a carry are refused.
    private static bool TryGetArithmetic(int number, int toRegister, out MemoryOperation operation)
    {
        operation = number switch
        {
            1 => toRegister != 0 ? MemoryOperation.LoadOr : MemoryOperation.Or,
            4 => toRegister != 0 ? MemoryOperation.LoadAnd : MemoryOperation.And,
            6 => toRegister != 0 ? MemoryOperation.LoadXor : MemoryOperation.Xor,
            _ => toRegister != 0 ? MemoryOperation.CompareRegister : MemoryOperation.Compare,
        };
        return number is 1 or 4 or 6 or 7;
    }

    // An opcode whose bit 0 chooses between bytes and the operand size.
    private static bool Memory(
        ReadOnlySpan<byte> code, int position, in Prefixes prefixes, MemoryOperation operation, byte opcode, int operandSize, ref MemoryInstruction instruction)
    {
        int size = (opcode & 1) == 0 ? 1 : operandSize;
        return Memory(code, position, prefixes, operation, size, size, 0, ref instruction);
    }

    private static bool Memory(
        ReadOnlySpan<byte> code,
        int position,
        in Prefixes prefixes,
        MemoryOperation operation,
        int size,
        int registerSize,
        int immediateSize,
        ref MemoryInstruction instruction)
    {
        int length = ModRmLength(code, position, prefixes.AddressSize);
        if (length == 0)
            return false;
        int register = (code[position] >> 3) & 7;
        instruction.Operation = operation;
        instruction.Size = size;
        instruction.RegisterSize = registerSize;
        instruction.IsHighByte = registerSize == 1 && !prefixes.HasRex && register >= 4;
        instruction.Register = instruction.IsHighByte ? register - 4 : register | prefixes.RegisterExtension;
        instruction.Length = position + length + immediateSize;
        return instruction.Length <= code.Length;
    }

    private static bool Immediate(ReadOnlySpan<byte> code, int size, ref MemoryInstruction instruction)
    {
        int position = instruction.Length;
        if (position + size > code.Length)
            return false;
        ReadOnlySpan<byte> bytes = code.Slice(position, size);
        instruction.HasImmediate = true;
        instruction.Immediate = size switch
        {
            1 => (ulong)(sbyte)bytes[0],
            2 => (ulong)(short)BinaryPrimitives.ReadUInt16LittleEndian(bytes),
            _ => (ulong)(int)BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        };
        instruction.Length = position + size;
        return true;
    }

    // Bytes of ModRM, SIB and displacement; 0 for a register operand or a cut-off instruction.
    private static int ModRmLength(ReadOnlySpan<byte> code, int position, int addressSize)
    {
        if (position >= code.Length)
            return 0;
        int mode = code[position] >> 6;
        int memory = code[position] & 7;
        if (mode == 3)
            return 0;
        if (addressSize == 2)
            return 1 + (mode == 1 ? 1 : mode == 2 || memory == 6 ? 2 : 0);
        int length = 1;
        int displacementBase = memory;
        if (memory == 4)
        {
            if (position + 1 >= code.Length)
                return 0;
            length = 2;
            displacementBase = code[position + 1] & 7;
        }

        return length + (mode == 1 ? 1 : mode == 2 || displacementBase == 5 ? 4 : 0);
    }
}
