// SPDX-License-Identifier: MIT
// Takes the ELF kernel out of a Linux bzImage. Used where a boot with the kernel as ELF is wanted (bench, tests).

using System;
using System.Buffers.Binary;
using System.IO;
using System.IO.Compression;
using XenSharp.Lab.Common;

namespace XenSharp.Lab.Ramdisk;

/// <remarks>Layout: Documentation/x86/boot.rst of Linux (setup_sects, payload_offset, payload_length). The payload's last four bytes are the unpacked size.</remarks>
public static class BzImage
{
    private const int HeaderMagicOffset = 0x202;
    private const uint HeaderMagic = 0x53726448;    // "HdrS"

    public static byte[] Unpack(byte[] image, string name)
    {
        if (image.Length < 0x268 || BinaryPrimitives.ReadUInt32LittleEndian(image.AsSpan(HeaderMagicOffset)) != HeaderMagic)
            throw new LabException($"{name} is not a Linux bzImage.");
        int setupSectors = image[0x1F1] == 0 ? 4 : image[0x1F1];
        long start = ((setupSectors + 1) * 512L) + BinaryPrimitives.ReadUInt32LittleEndian(image.AsSpan(0x248));
        long length = BinaryPrimitives.ReadUInt32LittleEndian(image.AsSpan(0x24C));
        if (length < 8 || start + length > image.Length)
            throw new LabException($"{name} is cut short: its payload lies outside the file.");
        byte[] payload = image[(int)start..(int)(start + length - 4)];
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(image.AsSpan((int)(start + length - 4)));
        byte[] kernel = Decompress(payload, name);
        return kernel.Length == size ? kernel : throw new LabException($"{name} unpacks to {kernel.Length} bytes instead of {size}.");
    }

    private static byte[] Decompress(byte[] payload, string name) => BinaryPrimitives.ReadUInt32BigEndian(payload) switch
    {
        0xFD377A58 => Pipe("xz", payload, name),
        0x28B52FFD => Pipe("zstd", payload, name),
        0x02214C18 => Pipe("lz4", payload, name),
        uint magic when magic >> 16 == 0x1F8B => Gunzip(payload),
        uint magic => throw new LabException($"{name} is packed in a way (magic {magic:x8}) that the lab does not know."),
    };

    private static byte[] Pipe(string program, byte[] payload, string name)
    {
        (int status, byte[] output, string errors) = HostProgram.CaptureBytes(program, ["-dc"], input: payload);
        return status == 0 ? output : throw new LabException($"{program} cannot unpack {name}: {errors.Trim()}.");
    }

    private static byte[] Gunzip(byte[] payload)
    {
        using GZipStream stream = new(new MemoryStream(payload), CompressionMode.Decompress);
        using MemoryStream output = new();
        stream.CopyTo(output);
        return output.ToArray();
    }
}
