// SPDX-License-Identifier: MIT
// The notes by which a kernel tells Xen what it is. Called by KernelImage. Source: xen/include/public/elfnote.h.

using System;
using System.Buffers.Binary;

namespace XenSharp.Core.Boot.Kernel;

/// <summary>XEN_ELFNOTE_*: the note types under the name "Xen".</summary>
public enum XenNoteType : uint
{
    Info = 0,
    Entry = 1,
    HypercallPage = 2,
    VirtBase = 3,
    PaddrOffset = 4,
    XenVersion = 5,
    GuestOs = 6,
    GuestVersion = 7,
    Loader = 8,
    PaeMode = 9,
    Features = 10,
    BsdSymtab = 11,
    HvStartLow = 12,
    L1MfnValid = 13,
    SuspendCancel = 14,
    InitP2m = 15,
    ModStartPfn = 16,
    SupportedFeatures = 17,
    Phys32Entry = 18,
}

/// <summary>What the notes of an image say. Notes of other vendors are passed over; of two equal ones the last counts, as in Xen.</summary>
public ref struct XenNotes
{
    private const int HeaderLength = 12;

    /// <summary>Bit n: a note of type n was seen.</summary>
    public uint Seen;
    /// <summary>XEN_ELFNOTE_PHYS32_ENTRY: the physical address at which a PVH kernel is entered in 32-bit mode.</summary>
    public ulong Phys32Entry;
    /// <summary>XEN_ELFNOTE_SUPPORTED_FEATURES: a bit per XENFEAT_*.</summary>
    public uint SupportedFeatures;
    public ulong Entry;
    public ulong HypercallPage;
    public ulong VirtBase;
    public ulong PaddrOffset;
    public ulong HvStartLow;
    public ulong InitP2m;
    // Texts, without their final zero. They point into the file.
    public ReadOnlySpan<byte> GuestOs;
    public ReadOnlySpan<byte> GuestVersion;
    public ReadOnlySpan<byte> XenVersion;
    public ReadOnlySpan<byte> Loader;
    /// <summary>XEN_ELFNOTE_FEATURES: names of XENFEAT_*, separated by '|', '!' before the required ones.</summary>
    public ReadOnlySpan<byte> Features;

    public readonly bool Has(XenNoteType type) => (uint)type < 32 && (Seen & (1u << (int)type)) != 0;

    /// <summary>Reads all note segments of the image.</summary>
    public static KernelError Parse(ElfImage image, out XenNotes notes)
    {
        notes = default;
        int index = 0;
        while (image.NextNotes(ref index, out ReadOnlySpan<byte> segment, out int alignment))
        {
            KernelError error = notes.AddSegment(segment, alignment);
            if (error != KernelError.None)
            {
                return error;
            }
        }
        return KernelError.None;
    }

    private KernelError AddSegment(ReadOnlySpan<byte> notes, int alignment)
    {
        // Fewer bytes than a header at the end are padding.
        while (notes.Length >= HeaderLength)
        {
            uint nameSize = BinaryPrimitives.ReadUInt32LittleEndian(notes);
            uint descriptorSize = BinaryPrimitives.ReadUInt32LittleEndian(notes.Slice(4));
            uint type = BinaryPrimitives.ReadUInt32LittleEndian(notes.Slice(8));
            ulong mask = (ulong)alignment - 1;
            ulong descriptorAt = ((ulong)HeaderLength + nameSize + mask) & ~mask;
            ulong end = descriptorAt + descriptorSize;
            if (end > (ulong)notes.Length)
            {
                return KernelError.ElfBadNotes;
            }
            ReadOnlySpan<byte> name = notes.Slice(HeaderLength, (int)nameSize);
            if (name.Length == 4 && name[0] == 'X' && name[1] == 'e' && name[2] == 'n' && name[3] == 0)
            {
                KernelError error = Add(type, notes.Slice((int)descriptorAt, (int)descriptorSize));
                if (error != KernelError.None)
                {
                    return error;
                }
            }
            ulong next = (end + mask) & ~mask;
            notes = next < (ulong)notes.Length ? notes.Slice((int)next) : default;
        }
        return KernelError.None;
    }

    private KernelError Add(uint type, ReadOnlySpan<byte> descriptor)
    {
        switch ((XenNoteType)type)
        {
            case XenNoteType.Phys32Entry:
                if (descriptor.Length != 4 && descriptor.Length != 8)
                {
                    return KernelError.ElfBadEntryNote;
                }
                Phys32Entry = Number(descriptor);
                break;
            case XenNoteType.SupportedFeatures:
                SupportedFeatures = (uint)Number(descriptor);
                break;
            case XenNoteType.Entry:
                Entry = Number(descriptor);
                break;
            case XenNoteType.HypercallPage:
                HypercallPage = Number(descriptor);
                break;
            case XenNoteType.VirtBase:
                VirtBase = Number(descriptor);
                break;
            case XenNoteType.PaddrOffset:
                PaddrOffset = Number(descriptor);
                break;
            case XenNoteType.HvStartLow:
                HvStartLow = Number(descriptor);
                break;
            case XenNoteType.InitP2m:
                InitP2m = Number(descriptor);
                break;
            case XenNoteType.GuestOs:
                GuestOs = Text(descriptor);
                break;
            case XenNoteType.GuestVersion:
                GuestVersion = Text(descriptor);
                break;
            case XenNoteType.XenVersion:
                XenVersion = Text(descriptor);
                break;
            case XenNoteType.Loader:
                Loader = Text(descriptor);
                break;
            case XenNoteType.Features:
                Features = Text(descriptor);
                break;
            default:
                break;
        }
        if (type < 32)
        {
            Seen |= 1u << (int)type;
        }
        return KernelError.None;
    }

    /// <summary>A number of 1, 2, 4 or 8 bytes; any other size reads as 0, as in Xen.</summary>
    private static ulong Number(ReadOnlySpan<byte> descriptor) => descriptor.Length switch
    {
        1 => descriptor[0],
        2 => BinaryPrimitives.ReadUInt16LittleEndian(descriptor),
        4 => BinaryPrimitives.ReadUInt32LittleEndian(descriptor),
        8 => BinaryPrimitives.ReadUInt64LittleEndian(descriptor),
        _ => 0,
    };

    private static ReadOnlySpan<byte> Text(ReadOnlySpan<byte> descriptor)
    {
        int length = 0;
        while (length < descriptor.Length && descriptor[length] != 0)
        {
            length++;
        }
        return descriptor.Slice(0, length);
    }
}
