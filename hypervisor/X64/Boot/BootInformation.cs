// SPDX-License-Identifier: MIT
// What the loader says: command line, modules and memory map, by multiboot 1 or 2.
// Multiboot specification 0.6.96 section 3.3; Multiboot2 specification 2.0 section 3.6.

using System;
using System.Runtime.CompilerServices;
using XenSharp.Edge;

namespace XenSharp.X64.Boot;

/// <summary>A file that the loader has put into memory, with its own command line.</summary>
internal struct BootModule
{
    public ulong Start;
    public ulong End;
    public ulong CommandLine;
    public int CommandLineLength;
}

[InlineArray(BootInformation.MaxModules)]
internal struct BootModules
{
    private BootModule _first;
}

/// <summary>Parsed once at the start of the boot; all addresses are machine addresses below 4 GiB.</summary>
// SAFETY: the loader vouches for its structures; lengths in them are still bounded here, and the boot page tables map the first 4 GiB.
internal static unsafe class BootInformation
{
    public const int MaxModules = 16;
    private const int MaxText = 4096;

    private static BootModules s_modules;

    public static int ModuleCount { get; private set; }

    public static ulong CommandLineAddress { get; private set; }

    public static int CommandLineLength { get; private set; }

    public static ulong LoaderNameAddress { get; private set; }

    /// <summary>Copy of the ACPI RSDP inside the multiboot2 information, or 0.</summary>
    public static ulong AcpiRoot { get; private set; }

    public static ref BootModule Module(int index) => ref s_modules[index];

    public static ReadOnlySpan<byte> Text(ulong address, int length) => new(DirectMap.At(address), length);

    /// <summary>False when the boot protocol is neither of the two.</summary>
    public static bool Parse(uint magic, ulong information)
    {
        if (magic == 0x2BADB002)
            ParseMultiboot1(DirectMap.At(information));
        else if (magic == 0x36d76289)
            ParseMultiboot2(DirectMap.At(information));
        else
            return false;
        for (int i = 0; i < ModuleCount; i++)
        {
            EarlyMemory.Reserve(s_modules[i].Start, s_modules[i].End);
            EarlyMemory.Reserve(s_modules[i].CommandLine, s_modules[i].CommandLine + (ulong)s_modules[i].CommandLineLength + 1);
        }

        EarlyMemory.Reserve(CommandLineAddress, CommandLineAddress + (ulong)CommandLineLength + 1);
        return true;
    }

    /// <summary>Moves the hypervisor's own command line out of dom0's way.</summary>
    public static void MoveCommandLine()
    {
        if (CommandLineAddress != 0)
            CommandLineAddress = DirectMemory.Move(CommandLineAddress, (ulong)CommandLineLength + 1, CommandLineAddress & ~FrameSize.Mask);
    }

    private static void ParseMultiboot1(byte* information)
    {
        uint flags = *(uint*)information;
        bool isGrub = false;
        if ((flags & 0x200) != 0)
        {
            LoaderNameAddress = *(uint*)(information + 64);
            isGrub = Text(LoaderNameAddress, TextLength(LoaderNameAddress)).StartsWith("GRUB"u8);
        }

        if ((flags & 0x40) != 0)
        {
            uint length = *(uint*)(information + 44);
            byte* entry = DirectMap.At(*(uint*)(information + 48));
            byte* end = entry + length;
            while (entry + 24 <= end)
            {
                uint size = *(uint*)entry;
                EarlyMemory.AddMapEntry(*(ulong*)(entry + 4), *(ulong*)(entry + 12), *(uint*)(entry + 20));
                entry += size + 4;
            }
        }

        if ((flags & 4) != 0)
        {
            CommandLineAddress = *(uint*)(information + 16);
            CommandLineLength = TextLength(CommandLineAddress);
            if (!isGrub)
                SkipFileName();
        }

        if ((flags & 8) == 0)
            return;
        uint count = *(uint*)(information + 20);
        byte* module = DirectMap.At(*(uint*)(information + 24));
        for (uint i = 0; i < count; i++, module += 16)
            AddModule(*(uint*)module, *(uint*)(module + 4), *(uint*)(module + 8), !isGrub);
    }

    private static void ParseMultiboot2(byte* information)
    {
        uint total = *(uint*)information;
        EarlyMemory.Reserve((ulong)information - DirectMap.Base, (ulong)information - DirectMap.Base + total);
        for (uint offset = 8; offset + 8 <= total;)
        {
            byte* tag = information + offset;
            ulong address = (ulong)tag - DirectMap.Base;
            uint type = *(uint*)tag;
            uint size = *(uint*)(tag + 4);
            if (type == 0 || size < 8)
                break;
            switch (type)
            {
                case 1:
                    CommandLineAddress = address + 8;
                    CommandLineLength = TextLength(CommandLineAddress);
                    break;
                case 2:
                    LoaderNameAddress = address + 8;
                    break;
                case 3:
                    AddModule(*(uint*)(tag + 8), *(uint*)(tag + 12), address + 16, false);
                    break;
                case 6:
                    uint entrySize = *(uint*)(tag + 8);
                    for (uint entry = 16; entrySize >= 20 && entry + entrySize <= size; entry += entrySize)
                        EarlyMemory.AddMapEntry(*(ulong*)(tag + entry), *(ulong*)(tag + entry + 8), *(uint*)(tag + entry + 16));
                    break;
                case 14 when AcpiRoot == 0:
                case 15:
                    AcpiRoot = address + 8;
                    break;
            }

            offset += (size + 7) & ~7u;
        }
    }

    private static void AddModule(ulong start, ulong end, ulong commandLine, bool hasFileName)
    {
        if (ModuleCount == MaxModules)
            return;
        ref BootModule module = ref s_modules[ModuleCount];
        module.Start = start;
        module.End = end;
        module.CommandLine = commandLine;
        module.CommandLineLength = commandLine == 0 ? 0 : TextLength(commandLine);
        if (hasFileName)
        {
            int skipped = FileNameLength(commandLine, module.CommandLineLength);
            module.CommandLine += (ulong)skipped;
            module.CommandLineLength -= skipped;
        }

        ModuleCount++;
    }

    // Loaders other than GRUB put the file's name in front of the arguments.
    private static void SkipFileName()
    {
        int skipped = FileNameLength(CommandLineAddress, CommandLineLength);
        CommandLineAddress += (ulong)skipped;
        CommandLineLength -= skipped;
    }

    private static int FileNameLength(ulong address, int length)
    {
        ReadOnlySpan<byte> text = Text(address, length);
        int position = 0;
        while (position < length && text[position] != ' ')
            position++;
        while (position < length && text[position] == ' ')
            position++;
        return position;
    }

    private static int TextLength(ulong address)
    {
        int length = 0;
        while (length < MaxText && DirectMap.At(address)[length] != 0)
            length++;
        return length;
    }
}
