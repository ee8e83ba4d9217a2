// SPDX-License-Identifier: MIT
// The Linux x86 boot protocol's header, as far as finding the packed kernel needs it. Called by KernelImage.
// Source: Linux, Documentation/arch/x86/boot.rst.

using System;
using System.Buffers.Binary;

namespace XenSharp.Core.Boot.Kernel;

/// <summary>Where the payload of a bzImage lies. Offsets and lengths are checked against the file.</summary>
public readonly ref struct BzImage
{
    private const int SetupSectors = 0x1f1;
    private const int BootFlag = 0x1fe;
    private const int HeaderMagic = 0x202;
    private const int ProtocolVersion = 0x206;
    private const int PayloadOffsetField = 0x248;
    private const int PayloadLengthField = 0x24c;
    private const int HeaderEnd = 0x250;
    private const int SectorSize = 512;
    private const uint MagicHdrS = 0x53726448;
    private const ushort FirstVersionWithPayload = 0x0208;

    /// <summary>The compressed stream, without the size that the build appends (gzip carries that size itself).</summary>
    public readonly ReadOnlySpan<byte> Payload;
    public readonly int PayloadOffset;
    public readonly PayloadFormat Format;
    /// <summary>The size that the payload says it unpacks to.</summary>
    public readonly uint UnpackedSize;
    /// <summary>Boot protocol version, 0x020f for 2.15.</summary>
    public readonly ushort Version;

    private BzImage(ReadOnlySpan<byte> payload, int offset, PayloadFormat format, uint unpackedSize, ushort version)
    {
        Payload = payload;
        PayloadOffset = offset;
        Format = format;
        UnpackedSize = unpackedSize;
        Version = version;
    }

    /// <summary>Whether the file carries the boot sector flag and "HdrS", whatever the rest is worth.</summary>
    public static bool IsBzImage(ReadOnlySpan<byte> file) =>
        file.Length >= HeaderEnd
        && BinaryPrimitives.ReadUInt16LittleEndian(file.Slice(BootFlag)) == 0xaa55
        && BinaryPrimitives.ReadUInt32LittleEndian(file.Slice(HeaderMagic)) == MagicHdrS;

    public static KernelError Parse(ReadOnlySpan<byte> file, out BzImage image)
    {
        image = default;
        if (!IsBzImage(file))
        {
            return KernelError.NotAKernel;
        }
        ushort version = BinaryPrimitives.ReadUInt16LittleEndian(file.Slice(ProtocolVersion));
        if (version < FirstVersionWithPayload)
        {
            return KernelError.BootProtocolTooOld;
        }
        int sectors = file[SetupSectors];
        long setupLength = ((sectors == 0 ? 4 : sectors) + 1) * SectorSize;
        long offset = setupLength + BinaryPrimitives.ReadUInt32LittleEndian(file.Slice(PayloadOffsetField));
        long length = BinaryPrimitives.ReadUInt32LittleEndian(file.Slice(PayloadLengthField));
        if (length == 0)
        {
            return KernelError.NoPayload;
        }
        if (offset + length > file.Length)
        {
            return KernelError.PayloadOutsideFile;
        }
        ReadOnlySpan<byte> payload = file.Slice((int)offset, (int)length);
        PayloadFormat format = KernelPayload.Detect(payload);
        if (format == PayloadFormat.Unknown)
        {
            return KernelError.PayloadUnknown;
        }
        if (!KernelPayload.IsSupported(format))
        {
            image = new BzImage(payload, (int)offset, format, 0, version);
            return KernelError.PayloadUnsupported;
        }
        if (payload.Length < 8)
        {
            return KernelError.NoPayload;
        }
        uint unpackedSize = (uint)payload.Length;
        if (format != PayloadFormat.None)
        {
            unpackedSize = BinaryPrimitives.ReadUInt32LittleEndian(payload.Slice(payload.Length - 4));
            if (format != PayloadFormat.Gzip)
            {
                payload = payload.Slice(0, payload.Length - 4);
            }
        }
        image = new BzImage(payload, (int)offset, format, unpackedSize, version);
        return unpackedSize == 0 || unpackedSize > KernelImage.MaxUnpackedSize ? KernelError.PayloadSizeImplausible : KernelError.None;
    }
}
