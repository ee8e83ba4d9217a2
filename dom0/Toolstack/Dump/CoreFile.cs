// SPDX-License-Identifier: MIT
// The form of a core file of a domain: an ELF file of sections, docs/misc/dump-core-format.txt of Xen 4.17. Used by CoreDump.

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Text;
using XenSharp.Abi;
using XenSharp.Control;

namespace XenSharp.Toolstack.Dump;

/// <summary>What stands before the pages, and the table of sections that says where everything is.</summary>
/// <param name="Contexts">.xen_prstatus: struct vcpu_guest_context of each vCPU.</param>
/// <param name="SharedInfo">.xen_shared_info; null where the page cannot be mapped.</param>
/// <param name="Pages">How many pages the file has.</param>
internal sealed record CoreFile(byte[] Contexts, byte[]? SharedInfo, ulong Pages)
{
    public const ulong NoFrame = ulong.MaxValue;

    private const int HeaderSize = 64, SectionSize = 64, PageSize = 4096, ContextSize = 5168;
    private const uint Bits = 1, Strings = 3, Note = 7;
    private const ulong TranslatedMagic = 0xF00F_EBEE, FormatVersion = 1;
    private const int ExtraVersionSize = 16, CompilerSize = 64, BySize = 16, DomainSize = 32, DateSize = 32, CapabilitiesSize = 1024, ChangeSetSize = 64;

    private readonly List<(int Name, uint Type, ulong Offset, ulong Size, ulong Alignment, ulong EntrySize)> _sections = [];
    private readonly StringBuilder _names = new("\0");

    /// <summary>Writes all up to the pages.</summary>
    public void WriteHead(Stream file, Hypervisor hypervisor)
    {
        byte[] notes = Notes(hypervisor);
        int sections = 6 + (SharedInfo is null ? 0 : 1);
        ulong place = HeaderSize + (ulong)(sections * SectionSize);
        _sections.Add((0, 0, 0, 0, 0, 0));
        // Behind everything else; its place is known at the end.
        Add(".shstrtab", Strings, 0, 0, 0, 0);
        place = Add(".note.Xen", Note, place, (ulong)notes.Length, 0, 0);
        place = Add(".xen_prstatus", Bits, place, (ulong)Contexts.Length, sizeof(ulong), ContextSize);
        if (SharedInfo is not null)
            place = Add(".xen_shared_info", Bits, place, PageSize, sizeof(ulong), PageSize);
        ulong padding = (ulong)(-(long)place & (PageSize - 1));
        place = Add(".xen_pages", Bits, place + padding, Pages * PageSize, PageSize, PageSize);
        place = Add(".xen_pfn", Bits, place, Pages * sizeof(ulong), sizeof(ulong), sizeof(ulong));
        file.Write(Header(sections));
        foreach ((int name, uint type, ulong offset, ulong size, ulong alignment, ulong entrySize) in _sections)
            file.Write(type == Strings ? Section(name, type, place, (ulong)NameTable().Length, 0, 0) : Section(name, type, offset, size, alignment, entrySize));
        file.Write(notes);
        file.Write(Contexts);
        if (SharedInfo is not null)
            file.Write(SharedInfo);
        file.Write(new byte[padding]);
    }

    /// <summary>Writes what follows the pages.</summary>
    /// <param name="frames">The guest frame of each page; <see cref="NoFrame"/> for a page that is padding.</param>
    public void WriteTail(Stream file, ReadOnlySpan<ulong> frames)
    {
        byte[] word = new byte[sizeof(ulong)];
        foreach (ulong frame in frames)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(word, frame);
            file.Write(word);
        }
        file.Write(NameTable());
    }

    private ulong Add(string name, uint type, ulong offset, ulong size, ulong alignment, ulong entrySize)
    {
        _sections.Add((_names.Length, type, offset, size, alignment, entrySize));
        _names.Append(name).Append('\0');
        return offset + size;
    }

    private byte[] NameTable() => Encoding.ASCII.GetBytes(_names.ToString());

    private static byte[] Header(int sections)
    {
        byte[] header = new byte[HeaderSize];
        ReadOnlySpan<byte> identity = [0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1, 0, 1];
        identity.CopyTo(header);
        Put16(header, 16, 4);                   // ET_CORE
        Put16(header, 18, 62);                  // EM_X86_64
        Put32(header, 20, 1);
        Put64(header, 40, HeaderSize);          // The table of sections comes next.
        Put16(header, 52, HeaderSize);
        Put16(header, 54, 56);
        Put16(header, 58, SectionSize);
        Put16(header, 60, (ushort)sections);
        Put16(header, 62, 1);                   // .shstrtab
        return header;
    }

    private static byte[] Section(int name, uint type, ulong offset, ulong size, ulong alignment, ulong entrySize)
    {
        byte[] section = new byte[SectionSize];
        Put32(section, 0, (uint)name);
        Put32(section, 4, type);
        Put64(section, 24, offset);
        Put64(section, 32, size);
        Put64(section, 48, alignment);
        Put64(section, 56, entrySize);
        return section;
    }

    private byte[] Notes(Hypervisor hypervisor)
    {
        using MemoryStream notes = new();
        WriteNote(notes, ElfNote.DumpcoreNone, []);
        WriteNote(notes, ElfNote.DumpcoreHeader, Words(TranslatedMagic, (ulong)(Contexts.Length / ContextSize), Pages, PageSize));
        (int major, int minor, string extra) = hypervisor.GetVersion();
        (string compiler, string by, string domain, string date) = hypervisor.GetCompileInfo();
        WriteNote(notes, ElfNote.DumpcoreXenVersion,
        [
            .. Words((ulong)major, (ulong)minor), .. Text(extra, ExtraVersionSize), .. Text(compiler, CompilerSize), .. Text(by, BySize), .. Text(domain, DomainSize), .. Text(date, DateSize),
            .. Text(hypervisor.GetCapabilities(), CapabilitiesSize), .. Text(hypervisor.GetChangeSet(), ChangeSetSize), .. Words(hypervisor.GetVirtualStart(), (ulong)hypervisor.GetPageSize()),
        ]);
        WriteNote(notes, ElfNote.DumpcoreFormatVersion, Words(FormatVersion));
        return notes.ToArray();
    }

    private static void WriteNote(Stream notes, ElfNote type, ReadOnlySpan<byte> description)
    {
        byte[] header = new byte[16];
        Put32(header, 0, 4);
        Put32(header, 4, (uint)description.Length);
        Put32(header, 8, (uint)type);
        "Xen\0"u8.CopyTo(header.AsSpan(12));
        notes.Write(header);
        notes.Write(description);
    }

    private static byte[] Words(params ReadOnlySpan<ulong> values)
    {
        byte[] words = new byte[values.Length * sizeof(ulong)];
        for (int index = 0; index < values.Length; index++)
            Put64(words, index * sizeof(ulong), values[index]);
        return words;
    }

    private static byte[] Text(string text, int size)
    {
        byte[] field = new byte[size];
        Encoding.Latin1.GetBytes(text.AsSpan(0, Math.Min(text.Length, size - 1)), field);
        return field;
    }

    private static void Put16(byte[] bytes, int place, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(place), value);

    private static void Put32(byte[] bytes, int place, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(place), value);

    private static void Put64(byte[] bytes, int place, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(place), value);
}
