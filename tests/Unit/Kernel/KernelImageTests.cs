// SPDX-License-Identifier: MIT
// From a kernel file to an image that can be entered, and the sentence about each file that cannot.

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Text;
using XenSharp.Core.Boot.Kernel;
using Xunit;

namespace XenSharp.Tests.Unit.Kernel;

[Collection("Kernel")]
public sealed class KernelImageTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ElfIsReadyAtOnce(bool is64Bit)
    {
        KernelImage image = KernelImage.Inspect(ElfBuilder.Pvh(is64Bit));
        Assert.Equal((KernelKind.Elf, KernelError.None, false), (image.Kind, image.Error, image.NeedsUnpacking));
        Assert.Equal(0x100010UL, image.Notes.Phys32Entry);
        Assert.Equal("is a kernel that can be started", Sentence(image));
    }

    public static TheoryData<string, string> Packers => new()
    {
        { "gzip", "-9" },
        { "xz", "--check=crc32 --x86 --lzma2=dict=32MiB" },
        { "lz4", "-q -l -9" },
        { "zstd", "-q -22 --ultra" },
    };

    [ToolTheory("zstd")]
    [MemberData(nameof(Packers))]
    public void BzImageIsUnpackedAndInspected(string tool, string options)
    {
        byte[] elf = ElfBuilder.Pvh();
        byte[] file = BzImageBuilder.Build(KernelTestData.Run(tool, options, elf), tool == "gzip" ? null : (uint)elf.Length);
        KernelImage image = KernelImage.Inspect(file);
        Assert.Equal((KernelKind.BzImage, KernelError.None, true), (image.Kind, image.Error, image.NeedsUnpacking));
        Assert.Equal(tool, Encoding.ASCII.GetString(KernelPayload.Name(image.Format)));
        Assert.Equal((uint)elf.Length, image.UnpackedSize);
        byte[] unpacked = new byte[image.UnpackedSize];
        image.Unpack(unpacked, KernelTestData.Scratch);
        Assert.Equal(KernelError.None, image.Error);
        image.InspectUnpacked(unpacked);
        Assert.Equal((KernelError.None, false), (image.Error, image.NeedsUnpacking));
        Assert.Equal(0x100010UL, image.Notes.Phys32Entry);
        Assert.Equal(elf, unpacked);
    }

    [Fact]
    public void UnpackedPayloadOfBzImageIsAccepted()
    {
        byte[] elf = ElfBuilder.Pvh();
        Assert.Equal("is a kernel that can be started", WholeWay(BzImageBuilder.Build(elf, null)));
    }

    [ToolTheory("gzip")]
    [InlineData("-6")]
    public void GzippedElfIsUnpacked(string options)
    {
        byte[] file = KernelTestData.Run("gzip", options, ElfBuilder.Pvh());
        Assert.Equal(KernelKind.GzipElf, KernelImage.Inspect(file).Kind);
        Assert.Equal("is a kernel that can be started", WholeWay(file));
    }

    public static TheoryData<string, string> Sentences => new()
    {
        { "empty", "is empty" },
        { "script", "is not an ELF or bzImage kernel: starts with 23 21 2f 62 69 6e 2f 73" },
        { "three bytes", "is not an ELF or bzImage kernel: starts with 01 02 03" },
        { "old protocol", "is a bzImage with a boot protocol older than 2.08: no payload to be found" },
        { "no payload", "is a bzImage without a payload" },
        { "cut", "is a truncated bzImage: its payload ends after the end of the file" },
        { "payload far away", "is a truncated bzImage: its payload ends after the end of the file" },
        { "bzip2", "is a bzImage whose payload is packed with bzip2, which is not supported" },
        { "lzma", "is a bzImage whose payload is packed with lzma, which is not supported" },
        { "lzo", "is a bzImage whose payload is packed with lzo, which is not supported" },
        { "unknown", "is a bzImage whose payload is packed in an unknown way" },
        { "bare xz", "is a file packed with xz: unpacked are only bzImages and ELF files packed with gzip" },
        { "size 0", "announces an impossible size of its unpacked kernel" },
        { "size 3 GiB", "announces an impossible size of its unpacked kernel" },
        { "size too small", "holds a payload that cannot be unpacked: the xz payload is damaged: unpacks to more than its announced size" },
        { "size too large", "holds a payload that cannot be unpacked: the xz payload is damaged: size mismatch" },
        { "flipped", "holds a payload that cannot be unpacked: the xz payload is damaged: checksum mismatch" },
        { "shortened", "holds a payload that cannot be unpacked: the xz payload is truncated" },
        { "not an elf", "holds a payload that is not an ELF file: starts with" },
        { "elf without note", "has no Xen PHYS32_ENTRY note: not a PVH kernel" },
    };

    [Theory]
    [MemberData(nameof(Sentences))]
    public void SentenceSaysWhatIsWrong(string fault, string sentence)
    {
        string actual = WholeWay(Spoil(fault));
        if (fault == "not an elf")
        {
            Assert.StartsWith(sentence, actual, StringComparison.Ordinal);
            return;
        }
        Assert.Equal(sentence, actual);
    }

    private static byte[] Spoil(string fault)
    {
        byte[] xz = GoldenFiles.Get("XzX86Crc32");
        byte[] good = BzImageBuilder.Build(xz, GoldenFiles.Length);
        switch (fault)
        {
            case "empty": return [];
            case "script": return Encoding.ASCII.GetBytes("#!/bin/sh\nexit 1\n");
            case "three bytes": return [1, 2, 3];
            case "old protocol": return BzImageBuilder.Build(xz, GoldenFiles.Length, version: 0x0207);
            case "no payload": return BzImageBuilder.Build([], null);
            case "cut": return good[..(good.Length - 200)];
            case "payload far away":
                BinaryPrimitives.WriteUInt32LittleEndian(good.AsSpan(0x248), 0xffffff00);
                return good;
            case "bzip2": return BzImageBuilder.Build(Encoding.ASCII.GetBytes("BZh91AY&SY..."), 100);
            case "lzma": return BzImageBuilder.Build([0x5d, 0, 0, 0x80, 0, 1, 2, 3, 4], 100);
            case "lzo": return BzImageBuilder.Build([0x89, 0x4c, 0x5a, 0x4f, 0, 0, 0, 0, 0], 100);
            case "unknown": return BzImageBuilder.Build([9, 8, 7, 6, 5, 4, 3, 2, 1], 100);
            case "bare xz": return xz;
            case "size 0": return BzImageBuilder.Build(xz, 0);
            case "size 3 GiB": return BzImageBuilder.Build(xz, 0xc0000000);
            case "size too small": return BzImageBuilder.Build(xz, GoldenFiles.Length - 1);
            case "size too large": return BzImageBuilder.Build(xz, GoldenFiles.Length + 1);
            case "flipped":
                // The check lies before index and footer, at the block's end.
                xz[xz.Length - 12 - 12 - 1] ^= 1;
                return BzImageBuilder.Build(xz, GoldenFiles.Length);
            case "shortened": return BzImageBuilder.Build(xz[..(xz.Length / 2)], GoldenFiles.Length);
            case "not an elf": return good;
            case "elf without note": return new ElfBuilder().Load(0x100000, 16, 16).Build();
            default: throw new ArgumentOutOfRangeException(nameof(fault), fault, "unknown fault");
        }
    }

    [Fact]
    public void EveryErrorHasItsOwnText()
    {
        HashSet<string> texts = [];
        foreach (KernelError error in Enum.GetValues<KernelError>())
        {
            Assert.True(texts.Add(Encoding.UTF8.GetString(KernelErrorText.Text(error))), error.ToString());
        }
    }

    [Fact]
    public void SentenceIsCutToTheBuffer()
    {
        KernelImage image = KernelImage.Inspect(Spoil("script"));
        for (int length = 0; length < 80; length++)
        {
            Assert.Equal(Math.Min(length, 64), Math.Min(64, image.Describe(new byte[length])));
        }
    }

    [Fact]
    public void SpoiltBzImagesNeverFault()
    {
        Random random = new(77);
        byte[] good = BzImageBuilder.Build(GoldenFiles.Get("XzX86Crc32"), GoldenFiles.Length);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] file = (byte[])good.Clone();
            for (int i = 0; i <= random.Next(3); i++)
            {
                file[random.Next(2) == 0 ? 0x1f1 : random.Next(0x1f0, 0x250)] = (byte)random.Next(256);
            }
            KernelImage image = KernelImage.Inspect(file.AsSpan(0, random.Next(4) == 0 ? random.Next(file.Length) : file.Length));
            Assert.InRange(image.Describe(new byte[160]), 1, 159);
        }
    }

    private static string WholeWay(byte[] file)
    {
        KernelImage image = KernelImage.Inspect(file);
        if (image.NeedsUnpacking)
        {
            byte[] unpacked = new byte[image.UnpackedSize];
            image.Unpack(unpacked, KernelTestData.Scratch);
            if (image.Error == KernelError.None)
            {
                image.InspectUnpacked(unpacked);
            }
        }
        return Sentence(image);
    }

    private static string Sentence(KernelImage image)
    {
        byte[] buffer = new byte[160];
        return Encoding.UTF8.GetString(buffer, 0, image.Describe(buffer));
    }
}
