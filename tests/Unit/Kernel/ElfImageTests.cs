// SPDX-License-Identifier: MIT
// ELF kernels: what a right one gives, and the name of what is wrong with each wrong one.

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;
using XenSharp.Core.Boot.Kernel;
using Xunit;

namespace XenSharp.Tests.Unit.Kernel;

public sealed class ElfImageTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void SegmentsComeInOrderOfPhysicalAddress(bool is64Bit)
    {
        Assert.Equal(KernelError.None, ElfImage.Parse(ElfBuilder.Pvh(is64Bit), out ElfImage image));
        Assert.Equal(is64Bit, image.Is64Bit);
        Assert.Equal(0x100000UL, image.Start);
        Assert.Equal(0x203000UL, image.End);
        Assert.Equal(2, image.LoadCount);
        ulong cursor = 0;
        Assert.True(image.NextSegment(ref cursor, out ElfSegment segment));
        Assert.Equal((0x100000UL, 0x1000UL, 0x200), (segment.PhysicalAddress, segment.MemorySize, segment.Data.Length));
        Assert.Equal(0x00, segment.Data[0]);
        Assert.True(image.NextSegment(ref cursor, out segment));
        Assert.Equal((0x200000UL, 0x3000UL, 0x80), (segment.PhysicalAddress, segment.MemorySize, segment.Data.Length));
        Assert.False(image.NextSegment(ref cursor, out _));
        Assert.True(image.HoldsCode(0x1001ff));
        Assert.False(image.HoldsCode(0x100200));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void XenNotesAreFoundAmongOthers(bool is64Bit)
    {
        Assert.Equal(KernelError.None, ElfImage.Parse(ElfBuilder.Pvh(is64Bit), out ElfImage image));
        Assert.Equal(KernelError.None, XenNotes.Parse(image, out XenNotes notes));
        Assert.True(notes.Has(XenNoteType.Phys32Entry));
        Assert.Equal(0x100010UL, notes.Phys32Entry);
        Assert.Equal("linux", Encoding.ASCII.GetString(notes.GuestOs));
        Assert.Equal(0x8801u, notes.SupportedFeatures);
        Assert.False(notes.Has(XenNoteType.HypercallPage));
    }

    [Fact]
    public void NotesThatRunOverAreDamaged()
    {
        byte[] note = ElfBuilder.Note("Xen", 18, new byte[8]);
        foreach (int field in new[] { 0, 4 })
        {
            foreach (uint size in new[] { 100u, 0x7fffffffu, 0xfffffffcu, 0xffffffffu })
            {
                byte[] spoiled = (byte[])note.Clone();
                BinaryPrimitives.WriteUInt32LittleEndian(spoiled.AsSpan(field), size);
                byte[] file = new ElfBuilder().Load(0x100000, 0x200, 0x1000).Notes(spoiled).Build();
                Assert.Equal(KernelError.ElfBadNotes, KernelImage.Inspect(file).Error);
            }
        }
    }

    public static TheoryData<string, KernelError> Spoilt => new()
    {
        { "class", KernelError.ElfWrongClass },
        { "big-endian", KernelError.ElfWrongClass },
        { "machine", KernelError.ElfWrongMachine },
        { "relocatable", KernelError.ElfNotExecutable },
        { "table size", KernelError.ElfBadProgramHeaders },
        { "table empty", KernelError.ElfBadProgramHeaders },
        { "table huge", KernelError.ElfBadProgramHeaders },
        { "table outside", KernelError.ElfTruncated },
        { "table far outside", KernelError.ElfTruncated },
        { "segment outside", KernelError.ElfTruncated },
        { "segment far outside", KernelError.ElfTruncated },
        { "more file than memory", KernelError.ElfBadSegment },
        { "past the last address", KernelError.ElfBadSegment },
        { "wraps around", KernelError.ElfBadSegment },
        { "overlap", KernelError.ElfSegmentsOverlap },
        { "nothing to load", KernelError.ElfNothingToLoad },
        { "no entry note", KernelError.ElfNoEntryNote },
        { "short entry note", KernelError.ElfBadEntryNote },
        { "entry outside", KernelError.ElfEntryOutside },
        { "entry above 4 GiB", KernelError.ElfEntryOutside },
    };

    [Theory]
    [MemberData(nameof(Spoilt))]
    public void EachFaultHasItsName(string fault, KernelError expected)
    {
        Assert.Equal(KernelError.None, KernelImage.Inspect(ElfBuilder.Pvh()).Error);
        Assert.Equal(expected, KernelImage.Inspect(Spoil(fault)).Error);
    }

    private static byte[] Spoil(string fault)
    {
        byte[] file = ElfBuilder.Pvh();
        const int first = 64;
        switch (fault)
        {
            case "class": file[4] = 3; break;
            case "big-endian": file[5] = 2; break;
            case "machine": file[18] = 183; break;
            case "relocatable": file[16] = 1; break;
            case "table size": file[54] = 64; break;
            case "table empty": file[56] = 0; break;
            case "table huge": file[57] = 0xff; break;
            case "table outside": Put64(file, 32, (ulong)file.Length - 100); break;
            case "table far outside": Put64(file, 32, ulong.MaxValue - 8); break;
            case "segment outside": Put64(file, first + 8, (ulong)file.Length); break;
            case "segment far outside": Put64(file, first + 8, ulong.MaxValue - 8); break;
            case "more file than memory": Put64(file, first + 40, 0x7f); break;
            case "past the last address": Put64(file, first + 24, (1UL << 52) - 0x2000); break;
            case "wraps around": Put64(file, first + 24, ulong.MaxValue - 0x1000); break;
            case "overlap": Put64(file, first + 24, 0x100fff); break;
            case "nothing to load": return new ElfBuilder().Notes(ElfBuilder.Note("Xen", 18, new byte[4])).Build();
            case "no entry note": return new ElfBuilder().Load(0x100000, 16, 16).Notes(ElfBuilder.Note("Linux", 18, new byte[4])).Build();
            case "short entry note": return new ElfBuilder().Load(0x100000, 16, 16).Notes(ElfBuilder.Note("Xen", 18, new byte[2])).Build();
            case "entry outside": return WithEntry(0x100010);
            case "entry above 4 GiB": return WithEntry(0x1_0010_0000);
            default: throw new ArgumentOutOfRangeException(nameof(fault), fault, "unknown fault");
        }
        return file;
    }

    private static byte[] WithEntry(ulong entry) => new ElfBuilder().Load(entry > uint.MaxValue ? entry : 0x100000, 16, 32)
        .Notes(ElfBuilder.Note("Xen", 18, BitConverter.GetBytes(entry))).Build();

    private static void Put64(byte[] file, int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(at), value);

    /// <summary>Whatever the headers hold, walking what passed the checks stays inside the file.</summary>
    [Fact]
    public void SpoiltHeadersNeverFault()
    {
        Random random = new(2024);
        byte[] interesting = [0x00, 0xff, 0x7f, 0x80, 0x01, 0x40];
        int accepted = 0;
        for (int round = 0; round < 30_000; round++)
        {
            byte[] file = ElfBuilder.Pvh(is64Bit: round % 2 == 0);
            int spots = 1 + random.Next(4);
            for (int i = 0; i < spots; i++)
            {
                // Anywhere in the headers, or in the notes at the end.
                int at = random.Next(4) == 0 ? file.Length - 1 - random.Next(120) : random.Next(64 + 3 * 56);
                file[at] = random.Next(2) == 0 ? interesting[random.Next(interesting.Length)] : (byte)random.Next(256);
            }
            int length = random.Next(8) == 0 ? random.Next(file.Length) : file.Length;
            KernelImage image = KernelImage.Inspect(file.AsSpan(0, length));
            byte[] sentence = new byte[160];
            Assert.InRange(image.Describe(sentence), 1, 160);
            if (image.Error != KernelError.None || image.Kind != KernelKind.Elf)
            {
                continue;
            }
            accepted++;
            ulong cursor = 0;
            ulong last = 0;
            while (image.Elf.NextSegment(ref cursor, out ElfSegment segment))
            {
                Assert.True(segment.PhysicalAddress >= last);
                Assert.True((ulong)segment.Data.Length <= segment.MemorySize);
                last = segment.PhysicalAddress + segment.MemorySize;
            }
            Assert.Equal(image.Elf.End, last);
        }
        Assert.InRange(accepted, 100, 29_000);
    }
}
