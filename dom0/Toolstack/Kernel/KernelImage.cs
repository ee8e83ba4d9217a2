// SPDX-License-Identifier: MIT
// An ELF kernel and what its notes say about starting it as a PVH guest. Made by KernelFile, loaded by DomainBuilder.
// Contract: xen/include/public/elfnote.h; the choice of notes follows xen/common/libelf/libelf-dominfo.c.

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace XenSharp.Toolstack.Kernel;

/// <summary>A piece of the file and where it goes in the guest's memory; what is beyond the file's bytes is zero.</summary>
public readonly record struct KernelSegment(ulong Address, int FileOffset, int FileSize, ulong MemorySize);

public sealed class KernelImage : IDisposable
{
    private const int LoadSegment = 1, NoteSegment = 4, NoteSection = 7;
    private const int GuestOsNote = 6, FeaturesNote = 10, ModuleStartPfnNote = 16, SupportedFeaturesNote = 17, EntryNote = 18;
    private const int RsdpUnrestrictedFeature = 15, Dom0Feature = 11;
    private const int MostHeaders = 1024, MostNotes = 4096;

    private readonly bool _is64;
    private readonly string _name;
    private ulong _supported, _required;
    private IDisposable? _owner;

    private KernelImage(ReadOnlyMemory<byte> file, string name)
    {
        File = file;
        _name = name;
        ReadOnlySpan<byte> bytes = file.Span;
        if (bytes.Length < 64 || !bytes.StartsWith("\x7f"u8) || !bytes[1..4].SequenceEqual("ELF"u8))
            throw new ToolstackException($"{name} is not a kernel that can be started as a PVH guest: it is neither a bzImage nor an ELF file");
        _is64 = bytes[4] == 2;
        if (bytes[5] != 1 || BinaryPrimitives.ReadUInt16LittleEndian(bytes[18..]) is not (62 or 3))
            throw new ToolstackException($"{name} is an ELF file for another processor than x86");
    }

    /// <summary>The unpacked ELF file.</summary>
    public ReadOnlyMemory<byte> File { get; }

    public IReadOnlyList<KernelSegment> Segments { get; private set; } = [];

    /// <summary>Lowest address of the segments.</summary>
    public ulong Start => Segments.Min(segment => segment.Address);

    /// <summary>First address above the segments.</summary>
    public ulong End => Segments.Max(segment => segment.Address + segment.MemorySize);

    /// <summary>XEN_ELFNOTE_PHYS32_ENTRY.</summary>
    public uint Entry { get; private set; }

    /// <summary>XEN_ELFNOTE_GUEST_OS; "linux" and so on.</summary>
    public string GuestOs { get; private set; } = "";

    /// <summary>XEN_ELFNOTE_MOD_START_PFN: modules may lie anywhere, so they come behind the start info.</summary>
    public bool TakesModulesAnywhere { get; private set; }

    /// <summary>Whether the ACPI tables' root may be where the start info says. Old Linux looks in the BIOS area only.</summary>
    public bool FindsRsdpAnywhere => GuestOs != "linux" || (_supported >> RsdpUnrestrictedFeature & 1) != 0;

    /// <exception cref="ToolstackException">It is no kernel for a PVH guest; the sentence says why.</exception>
    /// <param name="owner">Whose memory the file is; disposed with the image, or when this is no kernel.</param>
    public static KernelImage Read(ReadOnlyMemory<byte> file, string name, IDisposable? owner = null)
    {
        try
        {
            KernelImage image = new(file, name) { _owner = owner };
            image.ReadSegments();
            return image;
        }
        catch (Exception failure) when (failure is ArgumentOutOfRangeException or OverflowException)
        {
            owner?.Dispose();
            throw new ToolstackException($"{name} is damaged: its headers point outside the file", failure);
        }
        catch
        {
            owner?.Dispose();
            throw;
        }
    }

    public void Dispose() => _owner?.Dispose();

    private ReadOnlySpan<byte> Bytes(ulong offset, ulong length) => File.Span.Slice(checked((int)offset), checked((int)length));

    private ulong Word(ulong offset, int bytes64, int bytes32) => (_is64 ? bytes64 : bytes32) switch
    {
        2 => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(offset, 2)),
        4 => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(offset, 4)),
        _ => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(offset, 8)),
    };

    private void ReadSegments()
    {
        ulong headers = Word(_is64 ? 32u : 28u, 8, 4);
        ulong size = Word(_is64 ? 54u : 42u, 2, 2), count = Math.Min(Word(_is64 ? 56u : 44u, 2, 2), MostHeaders);
        List<KernelSegment> segments = [];
        bool hasNotes = false;
        for (ulong index = 0; index < count; index++)
        {
            ulong header = headers + (index * size);
            ulong type = Word(header, 4, 4);
            ulong offset = Word(header + (_is64 ? 8u : 4u), 8, 4), address = Word(header + (_is64 ? 24u : 12u), 8, 4);
            ulong fileSize = Word(header + (_is64 ? 32u : 16u), 8, 4), memorySize = Word(header + (_is64 ? 40u : 20u), 8, 4);
            if (type == LoadSegment && memorySize > 0)
            {
                _ = Bytes(offset, fileSize);
                if (fileSize > memorySize || address + memorySize < address)
                    throw new ToolstackException($"{_name} is damaged: a segment is larger in the file than in memory");
                segments.Add(new KernelSegment(address, (int)offset, (int)fileSize, memorySize));
            }
            else if (type == NoteSegment && offset != 0)
            {
                hasNotes |= ReadNotes(Bytes(offset, fileSize));
            }
        }
        if (!hasNotes)
            hasNotes = ReadNoteSections();
        if (segments.Count == 0)
            throw new ToolstackException($"{_name} has no segments to load");
        Segments = segments;
        if (Entry == 0)
        {
            throw new ToolstackException(hasNotes
                ? $"{_name} cannot be started as a PVH guest: it has no PHYS32_ENTRY note (a Linux kernel needs CONFIG_PVH)"
                : $"{_name} has no Xen notes, so it cannot be started as a PVH guest (a Linux kernel needs CONFIG_PVH)");
        }
        if (Entry < Start || Entry >= End)
            throw new ToolstackException($"{_name} is damaged: its entry {Entry:x} lies outside its segments");
        if ((_required >> Dom0Feature & 1) != 0)
            throw new ToolstackException($"{_name} can run as dom0 only");
    }

    private bool ReadNoteSections()
    {
        ulong headers = Word(_is64 ? 40u : 32u, 8, 4);
        ulong size = Word(_is64 ? 58u : 46u, 2, 2), count = Math.Min(Word(_is64 ? 60u : 48u, 2, 2), MostHeaders);
        bool found = false;
        for (ulong index = 1; index < count && headers != 0; index++)
        {
            ulong header = headers + (index * size);
            if (Word(header + 4, 4, 4) == NoteSection)
                found |= ReadNotes(Bytes(Word(header + (_is64 ? 24u : 16u), 8, 4), Word(header + (_is64 ? 32u : 20u), 8, 4)));
        }
        return found;
    }

    private bool ReadNotes(ReadOnlySpan<byte> notes)
    {
        bool found = false;
        for (int count = 0; notes.Length >= 12 && count < MostNotes; count++)
        {
            int nameSize = BinaryPrimitives.ReadInt32LittleEndian(notes), size = BinaryPrimitives.ReadInt32LittleEndian(notes[4..]);
            int type = BinaryPrimitives.ReadInt32LittleEndian(notes[8..]);
            ReadOnlySpan<byte> name = notes.Slice(12, nameSize);
            int start = 12 + ((nameSize + 3) & ~3);
            ReadOnlySpan<byte> value = notes.Slice(start, size);
            if (name.SequenceEqual("Xen\0"u8))
            {
                found = true;
                TakeNote(type, value);
            }
            notes = notes[Math.Min(notes.Length, start + ((size + 3) & ~3))..];
        }
        return found;
    }

    private void TakeNote(int type, ReadOnlySpan<byte> value)
    {
        switch (type)
        {
            case GuestOsNote:
                GuestOs = Text(value);
                break;
            case ModuleStartPfnNote:
                TakesModulesAnywhere = Number(value) != 0;
                break;
            case SupportedFeaturesNote:
                _supported |= Number(value);
                break;
            case EntryNote:
                Entry = (uint)Number(value);
                break;
            case FeaturesNote:
                foreach (string feature in Text(value).Split('|'))
                    TakeFeature(feature);
                break;
        }
    }

    private void TakeFeature(string feature)
    {
        int bit = feature.TrimStart('!') switch { "linux_rsdp_unrestricted" => RsdpUnrestrictedFeature, "dom0" => Dom0Feature, _ => -1 };
        if (bit < 0)
            return;
        _supported |= 1ul << bit;
        if (feature.StartsWith('!'))
            _required |= 1ul << bit;
    }

    private static string Text(ReadOnlySpan<byte> value) => Encoding.ASCII.GetString(value).TrimEnd('\0');

    private static ulong Number(ReadOnlySpan<byte> value) => value.Length switch
    {
        >= 8 => BinaryPrimitives.ReadUInt64LittleEndian(value),
        >= 4 => BinaryPrimitives.ReadUInt32LittleEndian(value),
        _ => 0,
    };
}
