// SPDX-License-Identifier: MIT
// xenctx over a made-up machine: page tables, symbols, stack.

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using XenSharp.Abi;
using XenSharp.Inspection;
using XenSharp.Interop;
using Xunit;

namespace XenSharp.Tests.Tools.Inspection;

public sealed class ContextTests
{
    private const ulong Text = 0xFFFFFFFF81000000, Stack = 0xFFFFFFFF82000F80;

    private readonly Dictionary<ulong, byte[]> _frames = [];
    private readonly StringWriter _output = new();
    private readonly StringWriter _errors = new();

    private const string SystemMap =
        """
        ffffffff81000000 T _text
        ffffffff81000000 T _stext
        ffffffff81000100 t do_idle
        ffffffff81000200 T schedule
        ffffffff81000300 T _etext
        0000000000000000 A absent
        ffffffff82000000 D init_stack
        ffffffff83000000 B __bss_stop
        not a symbol
        """;

    [Fact]
    public void LongModeHasFourLevelsAndLargePages()
    {
        // Frame 1 has the top table; one 2 MiB page and one of 1 GiB.
        Entry(1, 511, 0x2003);
        Entry(2, 510, 0x3003);
        Entry(3, 8, 0x00A00083);
        Entry(2, 0, 0x40000083);
        using GuestMemory memory = new(Map, cr0: 0x80000001, cr3: 0x1000, cr4: 0x20, efer: 0x500);
        Assert.True(memory.TryTranslate(Text + 0x1234, out ulong physical));
        Assert.Equal(0xA01234UL, physical);
        Assert.True(memory.TryTranslate(0xFFFFFF8000000000 + 0x1234567, out physical));
        Assert.Equal(0x41234567UL, physical);
        Assert.False(memory.TryTranslate(Text + 0x200000, out _));
        Assert.False(memory.TryTranslate(0, out _));
    }

    [Fact]
    public void ThirtyTwoBitsHaveTwoOrThreeLevels()
    {
        Entry32(1, 3, 0x2003);
        Entry32(2, 5, 0x9003);
        Entry32(1, 4, 0x00800083);
        using GuestMemory narrow = new(Map, cr0: 0x80000001, cr3: 0x1000, cr4: 0, efer: 0);
        Assert.True(narrow.TryTranslate(0xC05123, out ulong physical));
        Assert.Equal(0x9123UL, physical);
        Assert.True(narrow.TryTranslate(0x1000000 + 0x345678 % 0x400000, out physical));
        Assert.Equal(0x800000UL + 0x345678, physical);

        Entry(0x10, 4 + 3, 0x5001);     // The table of four entries begins inside a page.
        Entry(5, 1, 0x6003);
        Entry(6, 2, 0x7003);
        using GuestMemory wide = new(Map, cr0: 0x80000001, cr3: 0x10020, cr4: 0x20, efer: 0);
        Assert.True(wide.TryTranslate(0xC0202007, out physical));
        Assert.Equal(0x7007UL, physical);
    }

    [Fact]
    public void WithoutPagingAddressesAreFrames()
    {
        Frame(2)[5] = 0x42;
        using GuestMemory memory = new(Map, cr0: 1, cr3: 0, cr4: 0, efer: 0);
        Assert.True(memory.TryRead(0x2005, out byte value));
        Assert.Equal(0x42, value);
        Assert.False(memory.TryRead(0x9000, out _));
        Assert.Equal(ulong.MaxValue, memory.ReadWord(0x9000, 8));
    }

    [Fact]
    public void SymbolsNameTextAndData()
    {
        SymbolTable symbols = Symbols();
        Assert.Equal(" do_idle", symbols.Describe(Text + 0x100, AddressKind.KernelText));
        Assert.Equal(" do_idle+0x10", symbols.Describe(Text + 0x110, AddressKind.KernelText));
        Assert.Equal("", symbols.Describe(0xFFFFFFFF82000010, AddressKind.KernelText));
        Assert.Equal(" init_stack+0x10", symbols.Describe(0xFFFFFFFF82000010, AddressKind.KernelData));
        Assert.Equal("", symbols.Describe(0x400000, AddressKind.KernelData));
        Assert.Equal(AddressKind.KernelText, new SymbolTable().KindOf(0xFFFFFFFFA0000000));
        Assert.Equal("", new SymbolTable().Describe(0xFFFFFFFFA0000000, AddressKind.KernelText));
    }

    [Fact]
    public void RegistersCodeAndCallTraceHaveXensForm()
    {
        using VcpuContextPrinter printer = Machine(["7"], out _);
        printer.PrintAll();
        string text = _output.ToString();
        Assert.StartsWith(
            """
            rip: ffffffff81000110 do_idle+0x10
            flags: 00000246 i z p
            rsp: ffffffff82000f80
            rax: 0000000000000000	rcx: 0000000000000000	rdx: 0000000000000000

            """, text);
        Assert.Contains("\n cs: 0010\t ss: 0018\t ds: 0000\t es: 0000\n fs: 0000 @ 0000000000000000\n gs: 0000 @ 0000000000000000/0000000000000000/\nCode (instr addr ffffffff81000110)\n", text);
        Assert.Contains(" 00 <f4> 00 ", text);
        Assert.EndsWith(
            """
            Stack:
             0000000000000001 ffffffff81000210 0000000000000002 0000000000000003
             0000000000000000 0000000000000000 0000000000000000 0000000000000000
             0000000000000000 0000000000000000 0000000000000000 0000000000000000
             0000000000000000 0000000000000000 0000000000000000 0000000000000000

            Call Trace:
                                [<ffffffff81000110>] do_idle+0x10 <--
            ffffffff82000f88:   [<ffffffff81000210>] schedule+0x10

            """, text);
        Assert.Equal("", _errors.ToString());
    }

    [Fact]
    public void AllRegistersAndTagsAndLetters()
    {
        using VcpuContextPrinter printer = Machine(["-aDt", "-l1", "-b", "16", "7"], out _);
        printer.PrintAll();
        Assert.Contains("\ncr0: 0000000080050033\ncr2: 0000000000000000\ncr3: 0000000000001000\ncr4: 0000000000000020\n\ndr0: ", _output.ToString());
        Assert.Contains("ffffffff82000f80: 0000000000000001 ffffffff81000210  ................\n", _output.ToString());
    }

    [Fact]
    public void MemoryThatIsNotThereIsSaid()
    {
        using VcpuContextPrinter printer = Machine(["-m", "0x5000", "7"], out VcpuContextOptions options);
        printer.PrintMemory(options.MemoryAddress!.Value);
        Assert.Equal("\nfailed to map page for 00005000.\n", _errors.ToString());
        Assert.StartsWith("Memory (address 0000000000005000):\n", _output.ToString());
    }

    [Theory]
    [InlineData("cannot trace dom0", "0")]
    [InlineData("both --all-vcpus and [VCPU] is not supported", "-C", "1", "0")]
    [InlineData("both --frame-pointers and --dump-as-stack is not supported", "-f", "-d", "0x1000", "1")]
    [InlineData("Unsupported value for --bytes-per-line '2'. Needs to be 4 <= 2 <= 128", "-b", "2", "1")]
    [InlineData("usage: xenctx [options] <domid> <optional vcpu>")]
    public void WhatCannotBeIsSaid(string message, params string[] arguments) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => VcpuContextOptions.Parse(arguments)).Message);

    private static SymbolTable Symbols()
    {
        SymbolTable symbols = new();
        symbols.Read(new StringReader(SystemMap));
        return symbols;
    }

    private VcpuContextPrinter Machine(string[] arguments, out VcpuContextOptions options)
    {
        Entry(1, 511, 0x2003);
        Entry(2, 510, 0x3003);
        Entry(3, 8, 0x4003);
        Entry(3, 16, 0x5003);
        Entry(4, 0, 0x6003);
        Entry(5, 0, 0x7003);
        Frame(6)[0x110] = 0xF4;
        Word(7, 0xF80, 1);
        Word(7, 0xF88, Text + 0x210);
        Word(7, 0xF90, 2);
        Word(7, 0xF98, 3);
        VcpuGuestContext context = default;
        context.UserRegisters.Rip = Text + 0x110;
        context.UserRegisters.Rsp = Stack;
        context.UserRegisters.Rflags = 0x246;
        context.UserRegisters.Cs = 0x10;
        context.UserRegisters.Ss = 0x18;
        context.ControlRegister[0] = 0x80050033;
        context.ControlRegister[3] = 0x1000;
        context.ControlRegister[4] = 0x20;
        HvmHwCpu cpu = new() { Cr0 = 0x80050033, Cr3 = 0x1000, Cr4 = 0x20, MsrEfer = 0x500 };
        options = VcpuContextOptions.Parse(arguments);
        return new VcpuContextPrinter(options, Symbols(), context, cpu, Map, _output, _errors);
    }

    private byte[] Frame(ulong number)
    {
        if (!_frames.TryGetValue(number, out byte[]? frame))
            _frames[number] = frame = new byte[4096];
        return frame;
    }

    private void Word(ulong frame, int offset, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Frame(frame).AsSpan(offset), value);

    private void Entry(ulong frame, int index, ulong value) => Word(frame, index * 8, value);

    private void Entry32(ulong frame, int index, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Frame(frame).AsSpan(index * 4), value);

    private SharedPages Map(ulong frame) => _frames.TryGetValue(frame, out byte[]? bytes) ? new PlainPage(bytes) : throw new SystemFailure("mapping", 22);

    private sealed class PlainPage(byte[] bytes) : SharedPages
    {
        public override int Length => bytes.Length;

        public override uint Read32(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(offset));

        public override void Write32(int offset, uint value) => throw new NotSupportedException();

        public override void Read(int offset, Span<byte> destination) => bytes.AsSpan(offset, destination.Length).CopyTo(destination);

        public override void Write(int offset, ReadOnlySpan<byte> source) => throw new NotSupportedException();
    }
}
