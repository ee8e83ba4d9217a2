// SPDX-License-Identifier: MIT
// The front door of this folder: what kind of kernel a file is, how much memory its unpacked form needs, unpacking it,
// and one sentence when it cannot be started. Called by the port's boot code for dom0's kernel.

using System;
using System.Buffers.Binary;

namespace XenSharp.Core.Boot.Kernel;

public enum KernelKind
{
    Unknown = 0,
    BzImage,
    Elf,
    GzipElf,
}

/// <summary>
/// What is known of a kernel file. Use: Inspect; when <see cref="NeedsUnpacking"/>, allocate UnpackedSize bytes, Unpack into
/// them, InspectUnpacked; then load <see cref="Elf"/>'s segments and enter at Notes.Phys32Entry. After any of the three,
/// when <see cref="Error"/> is not None, Describe writes the sentence for the console.
/// </summary>
public ref struct KernelImage
{
    /// <summary>More than this is taken for a damaged size field.</summary>
    public const uint MaxUnpackedSize = 1u << 30;
    private const int ShownBytes = 8;

    public KernelKind Kind;
    public KernelError Error;
    public PayloadFormat Format;
    /// <summary>Why unpacking failed, for <see cref="KernelError.PayloadDamaged"/>.</summary>
    public DecompressStatus UnpackStatus;
    /// <summary>The compressed stream; empty for an ELF.</summary>
    public ReadOnlySpan<byte> Payload;
    public uint UnpackedSize;
    /// <summary>The ELF: of the file itself, or of the unpacked payload after InspectUnpacked. Valid when Error is None and it has been reached.</summary>
    public ElfImage Elf;
    public XenNotes Notes;
    /// <summary>What a "starts with" sentence shows.</summary>
    private ReadOnlySpan<byte> _first;

    public readonly bool NeedsUnpacking => Error == KernelError.None && Kind != KernelKind.Elf && Elf.LoadCount == 0;

    public static KernelImage Inspect(ReadOnlySpan<byte> file)
    {
        KernelImage image = default;
        image._first = file.Slice(0, Math.Min(ShownBytes, file.Length));
        if (file.Length == 0)
        {
            image.Error = KernelError.FileEmpty;
            return image;
        }
        PayloadFormat format = KernelPayload.Detect(file);
        if (format == PayloadFormat.None)
        {
            image.Kind = KernelKind.Elf;
            image.Format = PayloadFormat.None;
            image.InspectElf(file);
            return image;
        }
        if (BzImage.IsBzImage(file))
        {
            image.Kind = KernelKind.BzImage;
            image.Error = BzImage.Parse(file, out BzImage bzImage);
            image.Format = bzImage.Format;
            image.Payload = bzImage.Payload;
            image.UnpackedSize = bzImage.UnpackedSize;
            return image;
        }
        if (format == PayloadFormat.Gzip && file.Length >= 18)
        {
            // A packed ELF; gzip alone says at its end how large the file was.
            image.Kind = KernelKind.GzipElf;
            image.Format = format;
            image.Payload = file;
            image.UnpackedSize = BinaryPrimitives.ReadUInt32LittleEndian(file.Slice(file.Length - 4));
            image.Error = image.UnpackedSize == 0 || image.UnpackedSize > MaxUnpackedSize ? KernelError.PayloadSizeImplausible : KernelError.None;
            return image;
        }
        image.Format = format;
        image.Error = format == PayloadFormat.Unknown || format == PayloadFormat.Gzip ? KernelError.NotAKernel : KernelError.PayloadUnsupported;
        return image;
    }

    /// <summary>Unpacks the payload. <paramref name="output"/> is exactly UnpackedSize long; <see cref="Error"/> tells how it went.</summary>
    public void Unpack(Span<byte> output, DecompressScratch scratch)
    {
        UnpackStatus = (uint)output.Length == UnpackedSize ? KernelPayload.Unpack(Format, Payload, output, scratch) : DecompressStatus.SizeMismatch;
        if (UnpackStatus != DecompressStatus.Ok)
        {
            Error = KernelError.PayloadDamaged;
        }
    }

    /// <summary>Looks at what Unpack produced, as Inspect looks at an ELF file.</summary>
    public void InspectUnpacked(ReadOnlySpan<byte> unpacked)
    {
        _first = unpacked.Slice(0, Math.Min(ShownBytes, unpacked.Length));
        InspectElf(unpacked);
        if (Error == KernelError.NotAKernel)
        {
            Error = KernelError.PayloadNotElf;
        }
    }

    private void InspectElf(ReadOnlySpan<byte> file)
    {
        Error = ElfImage.Parse(file, out Elf);
        if (Error != KernelError.None)
        {
            return;
        }
        Error = XenNotes.Parse(Elf, out Notes);
        if (Error != KernelError.None)
        {
            return;
        }
        if (!Notes.Has(XenNoteType.Phys32Entry))
        {
            Error = KernelError.ElfNoEntryNote;
        }
        else if (Notes.Phys32Entry > uint.MaxValue || !Elf.HoldsCode(Notes.Phys32Entry))
        {
            Error = KernelError.ElfEntryOutside;
        }
    }

    /// <summary>
    /// Writes the sentence about the file, made to follow "dom0's kernel ", in UTF-8; gives its length. 160 bytes hold any of them;
    /// a smaller buffer cuts it.
    /// </summary>
    public readonly int Describe(Span<byte> buffer)
    {
        int length = 0;
        if (Error == KernelError.PayloadDamaged)
        {
            Append(buffer, ref length, "holds a payload that cannot be unpacked: the "u8);
            Append(buffer, ref length, KernelPayload.Name(Format));
            Append(buffer, ref length, " payload "u8);
            Append(buffer, ref length, DecompressStatusText.Text(UnpackStatus));
            return length;
        }
        if (Error == KernelError.PayloadUnsupported)
        {
            Append(buffer, ref length, Kind == KernelKind.BzImage ? "is a bzImage whose payload is packed with "u8 : "is a file packed with "u8);
            Append(buffer, ref length, KernelPayload.Name(Format));
            Append(buffer, ref length, Kind == KernelKind.BzImage ? ", which is not supported"u8 : ": unpacked are only bzImages and ELF files packed with gzip"u8);
            return length;
        }
        Append(buffer, ref length, KernelErrorText.Text(Error));
        if (Error == KernelError.NotAKernel || Error == KernelError.PayloadNotElf)
        {
            for (int i = 0; i < _first.Length; i++)
            {
                Append(buffer, ref length, " "u8);
                AppendHex(buffer, ref length, _first[i]);
            }
        }
        return length;
    }

    private static void Append(Span<byte> buffer, ref int length, ReadOnlySpan<byte> text)
    {
        int n = Math.Min(text.Length, buffer.Length - length);
        text.Slice(0, n).CopyTo(buffer.Slice(length, n));
        length += n;
    }

    private static void AppendHex(Span<byte> buffer, ref int length, byte value)
    {
        ReadOnlySpan<byte> digits = "0123456789abcdef"u8;
        Append(buffer, ref length, digits.Slice(value >> 4, 1));
        Append(buffer, ref length, digits.Slice(value & 15, 1));
    }
}
