// SPDX-License-Identifier: MIT
// What the decoder makes of instruction bytes; the encodings come from an assembler.

using System;
using XenSharp.Devices.Instructions;
using Xunit;

namespace XenSharp.Tests.Unit.Instructions;

public sealed class InstructionDecoderTests
{
    [Theory]
    [InlineData("8b04256080aaff", "Load 4 r0/4 length 7")] // mov eax, [abs]
    [InlineData("8b4310", "Load 4 r0/4 length 3")] // mov eax, [rbx+0x10]
    [InlineData("448b8f80000000", "Load 4 r9/4 length 7")] // mov r9d, [rdi+0x80]
    [InlineData("48894c2408", "Store 8 r1/8 length 5")] // mov [rsp+8], rcx
    [InlineData("8901", "Store 4 r0/4 length 2")]
    [InlineData("668901", "Store 2 r0/2 length 3")]
    [InlineData("8827", "Store 1 r0/1 high length 2")] // mov [rdi], ah
    [InlineData("408827", "Store 1 r4/1 length 3")] // mov [rdi], spl
    [InlineData("8a4f01", "Load 1 r1/1 length 3")]
    [InlineData("8b0500100000", "Load 4 r0/4 length 6")] // mov eax, [rip+0x1000]
    [InlineData("a1efcdab8967452301", "Load 4 r0/4 length 9")] // movabs eax, [moffs]
    [InlineData("67a178563412", "Load 4 r0/4 length 6")]
    [InlineData("48a3efcdab8967452301", "Store 8 r0/8 length 10")]
    [InlineData("c703ff000000", "Store 4 r0/4 imm ff length 6")]
    [InlineData("48c7430880000080", "Store 8 r0/8 imm ffffffff80000080 length 8")]
    [InlineData("66c7033412", "Store 2 r0/2 imm 1234 length 5")]
    [InlineData("c6038f", "Store 1 r0/1 imm ffffffffffffff8f length 3")]
    [InlineData("0fb610", "Load 1 r2/4 length 3")] // movzx edx, byte [rax]
    [InlineData("480fbf4804", "Load 2 r1/8 signed length 5")] // movsx rcx, word [rax+4]
    [InlineData("4c6328", "Load 4 r13/8 signed length 3")] // movsxd r13, [rax]
    [InlineData("f0810800000100", "Or 4 r1/4 imm 10000 length 7")] // lock or dword [rax], 0x10000
    [InlineData("8320fe", "And 4 r4/4 imm fffffffffffffffe length 3")]
    [InlineData("2303", "LoadAnd 4 r0/4 length 2")]
    [InlineData("3b01", "CompareRegister 4 r0/4 length 2")]
    [InlineData("3801", "Compare 1 r0/1 length 2")]
    [InlineData("f70000000080", "Test 4 r0/4 imm ffffffff80000000 length 6")]
    [InlineData("f60004", "Test 1 r0/1 imm 4 length 3")]
    [InlineData("8719", "Exchange 4 r3/4 length 2")]
    [InlineData("65488b0c2500000000", "Load 8 r1/8 length 9")] // mov rcx, gs:[0]
    public void DecodesLongMode(string bytes, string expected) => Assert.Equal(expected, Decode(bytes, CodeSize.Bits64));

    [Theory]
    [InlineData("a120b0e0fe", "Load 4 r0/4 length 5")]
    [InlineData("668b03", "Load 2 r0/2 length 3")]
    [InlineData("678b4701", "Load 4 r0/4 length 4")] // mov eax, [bx+1]
    [InlineData("8b0d30b0e0fe", "Load 4 r1/4 length 6")]
    public void DecodesProtectedMode(string bytes, string expected) => Assert.Equal(expected, Decode(bytes, CodeSize.Bits32));

    [Theory]
    [InlineData("8b0e3412", "Load 2 r1/2 length 4")] // mov cx, [0x1234]
    [InlineData("668b07", "Load 4 r0/4 length 3")]
    [InlineData("67668b03", "Load 4 r0/4 length 4")]
    public void DecodesRealMode(string bytes, string expected) => Assert.Equal(expected, Decode(bytes, CodeSize.Bits16));

    [Theory]
    [InlineData("8bc3")] // register operand
    [InlineData("a4")]
    [InlineData("aa")]
    [InlineData("f3ab")]
    [InlineData("0300")] // add
    [InlineData("c70b00000000")] // group 11 /1
    [InlineData("0f10")]
    [InlineData("ff00")]
    [InlineData("6666666666666666666666666666668b03")] // longer than 15 bytes
    [InlineData("8b0425")] // cut off
    [InlineData("c703ff00")]
    [InlineData("")]
    [InlineData("48")]
    public void Refuses(string bytes) => Assert.Equal("refused", Decode(bytes, CodeSize.Bits64));

    [Theory]
    [InlineData("0f01d9", 3)]
    [InlineData("f30f01d9", 4)]
    [InlineData("66480f01d9", 5)]
    [InlineData("0f01d8", 0)]
    [InlineData("0f01", 0)]
    public void MeasuresPrefixedInstructions(string bytes, int length) =>
        Assert.Equal(length, InstructionDecoder.LengthOf(Convert.FromHexString(bytes), CodeSize.Bits64, [0x0f, 0x01, 0xd9]));

    [Fact]
    public void NoBytesMakeItReadBeyondThem()
    {
        Random random = new(12345);
        byte[] bytes = new byte[15];
        for (int i = 0; i < 300_000; i++)
        {
            random.NextBytes(bytes);
            int length = random.Next(16);
            CodeSize mode = (i % 3) switch { 0 => CodeSize.Bits16, 1 => CodeSize.Bits32, _ => CodeSize.Bits64 };
            if (InstructionDecoder.TryDecode(bytes.AsSpan(0, length), mode, out MemoryInstruction instruction))
                Assert.InRange(instruction.Length, 2, length);
        }
    }

    private static string Decode(string bytes, CodeSize codeSize)
    {
        if (!InstructionDecoder.TryDecode(Convert.FromHexString(bytes), codeSize, out MemoryInstruction i))
            return "refused";
        return $"{i.Operation} {i.Size} r{i.Register}/{i.RegisterSize}{(i.IsHighByte ? " high" : "")}{(i.SignExtends ? " signed" : "")}"
            + $"{(i.HasImmediate ? $" imm {i.Immediate:x}" : "")} length {i.Length}";
    }
}
