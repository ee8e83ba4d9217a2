// SPDX-License-Identifier: MIT
// One vCPU as xenctx prints it. Called by VcpuContextTool.

using System;
using System.IO;
using XenSharp.Abi;
using XenSharp.Interop;
using static XenSharp.Inspection.AddressKind;

namespace XenSharp.Inspection;

/// <param name="map">As for <see cref="GuestMemory"/>.</param>
internal sealed class VcpuContextPrinter(
    VcpuContextOptions options, SymbolTable symbols, VcpuGuestContext context, HvmHwCpu cpu, Func<ulong, SharedPages> map, TextWriter output, TextWriter errors) : IDisposable
{
    private const ulong PageSize = 4096;
    private const ulong LongMode = 0x400;
    private const int SegmentShift = 4, CodeBefore = 21, CodeLength = 32;

    /// <summary>By bit of EFLAGS: what is printed when it is clear, and when it is set.</summary>
    private static readonly (string? Clear, string? Set)[] s_flags =
    [
        (null, "c"), default, (null, "p"), default, (null, "a"), default, ("nz", "z"), (null, "s"), (null, "tf"), (null, "i"), (null, "d=b"), (null, "o"),
        default, default, (null, "nt"), default, (null, "rf"), (null, "v86"), (null, "ac"), (null, "vif"), (null, "vip"), (null, "cid"),
    ];

    private readonly GuestMemory _memory = GuestMemory.Of(map, cpu);
    private readonly bool _isProtected = (cpu.Cr0 & 1) != 0;

    /// <summary>Bytes of the guest's own words.</summary>
    private int Width => (cpu.MsrEfer & LongMode) != 0 ? 8 : _isProtected ? 4 : 2;

    private ulong InstructionPointer => context.UserRegisters.Rip + (_isProtected ? 0 : (ulong)context.UserRegisters.Cs << SegmentShift);

    private ulong StackPointer => context.UserRegisters.Rsp + (_isProtected ? 0 : (ulong)context.UserRegisters.Ss << SegmentShift);

    public void PrintAll()
    {
        if (Width == 8)
            PrintRegisters();
        else
            PrintNarrowRegisters();
        if (PrintCode() && (!_isProtected || symbols.KindOf(InstructionPointer) >= KernelText))
            PrintStack(StackPointer);
    }

    public void PrintMemory(ulong address)
    {
        output.WriteLine($"Memory (address {Word(address)}):");
        PrintLines(address, address + (ulong)((long)options.Lines * options.BytesPerLine));
    }

    /// <summary>Words from an address on, and those of them that look like addresses of code.</summary>
    public void PrintStack(ulong start)
    {
        ulong limit = ((StackPointer + PageSize) & ~(PageSize - 1)) + (((ulong)options.StackPages - 1) * PageSize);
        if (options.Lines > 0)
        {
            output.WriteLine("Stack:");
            if (!PrintLines(start, limit))
                return;
        }
        if (!_isProtected)
            return;
        output.WriteLine(options.HasStackTrace ? "Stack Trace:" : "Call Trace:");
        if (options.StackAddress is null)
            output.WriteLine($"{new string(' ', Width * 2)}  {(options.HasStackTrace ? '*' : ' ')} [<{Word(InstructionPointer)}>]{symbols.Describe(InstructionPointer, KernelText)} <--");
        if (options.HasFramePointers)
            PrintFrames(limit);
        else
            PrintCandidates(start, limit);
    }

    public void Dispose() => _memory.Dispose();

    private void PrintRegisters()
    {
        ref CpuUserRegisters r = ref context.UserRegisters;
        output.Write($"rip: {r.Rip:x16}{symbols.Describe(r.Rip, KernelText)}");
        PrintFlags(r.Rflags);
        output.WriteLine($"rsp: {r.Rsp:x16}");
        output.WriteLine($"rax: {r.Rax:x16}\trcx: {r.Rcx:x16}\trdx: {r.Rdx:x16}");
        output.WriteLine($"rbx: {r.Rbx:x16}\trsi: {r.Rsi:x16}\trdi: {r.Rdi:x16}");
        output.WriteLine($"rbp: {r.Rbp:x16}\t r8: {r.R8:x16}\t r9: {r.R9:x16}");
        output.WriteLine($"r10: {r.R10:x16}\tr11: {r.R11:x16}\tr12: {r.R12:x16}");
        output.WriteLine($"r13: {r.R13:x16}\tr14: {r.R14:x16}\tr15: {r.R15:x16}");
        output.WriteLine($" cs: {r.Cs:x4}\t ss: {r.Ss:x4}\t ds: {r.Ds:x4}\t es: {r.Es:x4}");
        output.WriteLine($" fs: {r.Fs:x4} @ {context.FsBase:x16}{symbols.Describe(context.FsBase, KernelData)}");
        output.Write($" gs: {r.Gs:x4} @ {context.GsBaseKernel:x16}/{context.GsBaseUser:x16}");
        output.WriteLine(symbols.IsEmpty ? "" : $"{symbols.Describe(context.GsBaseKernel, KernelData)}/{symbols.Describe(context.GsBaseUser, KernelData)}");
        PrintSpecial();
    }

    private void PrintNarrowRegisters()
    {
        ref CpuUserRegisters r = ref context.UserRegisters;
        output.Write($"cs:eip: {r.Cs:x4}:{(uint)r.Rip:x8}{symbols.Describe((uint)r.Rip, KernelText)}");
        PrintFlags((uint)r.Rflags);
        output.WriteLine($"ss:esp: {r.Ss:x4}:{(uint)r.Rsp:x8}");
        output.WriteLine($"eax: {(uint)r.Rax:x8}\tebx: {(uint)r.Rbx:x8}\tecx: {(uint)r.Rcx:x8}\tedx: {(uint)r.Rdx:x8}");
        output.WriteLine($"esi: {(uint)r.Rsi:x8}\tedi: {(uint)r.Rdi:x8}\tebp: {(uint)r.Rbp:x8}");
        output.WriteLine($" ds:     {r.Ds:x4}\t es:     {r.Es:x4}\t fs:     {r.Fs:x4}\t gs:     {r.Gs:x4}");
        PrintSpecial();
    }

    private void PrintFlags(ulong flags)
    {
        output.Write($"\nflags: {flags:x8}");
        for (int bit = s_flags.Length - 1; bit >= 0; bit--)
        {
            string? text = ((flags >> bit) & 1) != 0 ? s_flags[bit].Set : s_flags[bit].Clear;
            if (text is not null)
                output.Write($" {text}");
        }
        output.WriteLine();
    }

    private void PrintSpecial()
    {
        if (!options.HasAllRegisters)
            return;
        output.WriteLine();
        foreach (int register in (ReadOnlySpan<int>)[0, 2, 3, 4])
            PrintSpecial("cr", register, context.ControlRegister[register], isAddress: register == 2);
        output.WriteLine();
        foreach (int register in (ReadOnlySpan<int>)[0, 1, 2, 3, 6, 7])
            PrintSpecial("dr", register, context.DebugRegister[register], isAddress: register < 4);
    }

    private void PrintSpecial(string name, int number, ulong value, bool isAddress)
    {
        ulong shown = Width == 8 ? value : (uint)value;
        output.WriteLine($"{name}{number}: {(Width == 8 ? shown.ToString("x16") : shown.ToString("x8"))}{(isAddress ? symbols.Describe(shown, KernelData) : "")}");
    }

    private bool PrintCode()
    {
        output.WriteLine($"Code (instr addr {InstructionPointer:x8})");
        for (int index = 0; index < CodeLength; index++)
        {
            ulong address = InstructionPointer - CodeBefore + (ulong)index;
            if (!_memory.TryRead(address, out byte value))
                return Missing(address);
            output.Write(address == InstructionPointer ? $"<{value:x2}> " : $"{value:x2} ");
        }
        output.Write("\n\n\n");
        return true;
    }

    private bool PrintLines(ulong start, ulong limit)
    {
        int perLine = (options.BytesPerLine + Width - 1) / Width * Width;
        ulong address = start;
        for (long line = 1; line <= options.Lines && address < limit; line++)
        {
            if (options.HasTags)
                output.Write($"{Word(address)}:");
            string ascii = "";
            int count = 0;
            for (; address < limit && address < start + (ulong)(line * perLine); address += (ulong)Width, count++)
            {
                if (!_memory.TryRead(address, out _))
                    return Missing(address);
                ulong word = _memory.ReadWord(address, Width);
                output.Write($" {Word(word)}");
                for (int index = 0; index < Width; index++)
                    ascii += (byte)(word >> (8 * index)) is >= 0x20 and < 0x7F and byte letter ? (char)letter : '.';
            }
            if (options.HasAscii)
                output.Write($"{new string(' ', Math.Max(0, (perLine / Width) - count) * ((Width * 2) + 1))}  {ascii}");
            output.WriteLine();
        }
        output.WriteLine();
        return true;
    }

    /// <summary>Frames linked by their saved frame pointers.</summary>
    private void PrintFrames(ulong limit)
    {
        ulong stack = StackPointer, frame = Width == 8 ? context.UserRegisters.Rbp : (uint)context.UserRegisters.Rbp;
        while (frame != 0 && stack < limit)
        {
            for (; options.HasStackTrace && stack < frame && stack < limit; stack += (ulong)Width)
            {
                if (!TryReadWord(stack, out ulong word))
                    return;
                output.WriteLine($"{Word(stack)}: |   {Word(word)}");
            }
            if (!options.HasStackTrace || stack < frame)
                stack = frame;
            ulong previous = stack;
            if (!TryReadWord(stack, out frame))
                return;
            if (options.HasStackTrace)
                output.WriteLine($"{Word(stack)}: |-- {Word(frame)}");
            stack += (ulong)Width;
            if (frame == 0)
                return;
            if (!TryReadWord(stack, out ulong caller))
                return;
            output.WriteLine($"{Word(stack)}: {(options.HasStackTrace ? '|' : ' ')} [<{Word(caller)}>]{symbols.Describe(caller, KernelText)}");
            stack += (ulong)Width;
            // A chain that does not rise would not end.
            if (frame <= previous)
                return;
        }
    }

    private void PrintCandidates(ulong start, ulong limit)
    {
        for (ulong stack = start; stack < limit; stack += (ulong)Width)
        {
            if (!TryReadWord(stack, out ulong word))
                return;
            if (symbols.KindOf(word) >= KernelText)
                output.WriteLine($"{Word(stack)}:   [<{Word(word)}>]{symbols.Describe(word, KernelText)}");
            else if (options.HasStackTrace)
                output.WriteLine($"{Word(stack)}:     {Word(word)}");
        }
    }

    private bool TryReadWord(ulong address, out ulong word)
    {
        word = 0;
        if (!_memory.TryRead(address, out _))
            return Missing(address);
        word = _memory.ReadWord(address, Width);
        return true;
    }

    private bool Missing(ulong address)
    {
        output.Flush();
        errors.WriteLine($"\nfailed to map page for {address:x8}.");
        return false;
    }

    private string Word(ulong value) => Width switch { 2 => value.ToString("x4"), 4 => value.ToString("x8"), _ => value.ToString("x16") };
}
