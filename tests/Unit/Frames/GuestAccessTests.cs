// SPDX-License-Identifier: MIT
// Copies from and to guests: pages are crossed, holes are errors, and each copy is announced to whoever removes translations.

using System;
using XenSharp.Core.Memory;
using XenSharp.Edge;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Unit.Frames;

public class GuestAccessTests
{
    private readonly TestHost _machine = new();
    private readonly TestDomain _guest;

    public GuestAccessTests()
    {
        _guest = _machine.AddDomain(3);
        _guest.Vcpu().Processor = _machine.Cpu();
    }

    [Fact]
    public void ACopyCrossesPages()
    {
        ulong gfn = _guest.TakePages(2);
        byte[] written = new byte[5000];
        new Random(1).NextBytes(written);
        Assert.True(GuestAccess.Write(_guest.Vcpu(), gfn << 12 | 100, written));
        byte[] read = new byte[5000];
        Assert.True(GuestAccess.Read(_guest.Vcpu(), gfn << 12 | 100, read));
        Assert.Equal(written, read);
        Assert.Equal(written[..3996], _guest.Page(gfn)[100..].ToArray());
    }

    [Theory]
    [InlineData(2UL, true), InlineData(0UL, false)]
    public void OnlyTheTablesBelowTheFourPointersProtect(ulong writable, bool isAllowed)
    {
        // PAE: a pointer without rights, a table, an entry; then the page.
        ulong pointers = _guest.TakePages(4), page = pointers + 3;
        _guest.Write(pointers << 12, ((pointers + 1) << 12) | 1);
        _guest.Write((pointers + 1) << 12, ((pointers + 2) << 12) | 3);
        _guest.Write((pointers + 2) << 12, (page << 12) | 1 | writable);
        FakeVcpuContext context = _guest.Context();
        (context.Long, context.Control0, context.Control3, context.Control4) = (false, 0x8001_0011, pointers << 12, 0x20);
        Assert.Equal(isAllowed, GuestAccess.Write(_guest.Vcpu(), 8, new byte[] { 0x77 }));
        Assert.Equal(isAllowed ? 0x77 : 0, _guest.Page(page)[8]);
        Assert.Equal(((pointers + 1) << 12) | 1, _guest.Read<ulong>(pointers << 12));
        Assert.True(GuestAccess.Read(_guest.Vcpu(), 8, new byte[1]));
    }

    [Fact]
    public void AHoleEndsTheCopy()
    {
        ulong gfn = _guest.TakePages();
        Assert.True(_guest.P2m.Remove(new Gfn(gfn)));
        Assert.False(GuestAccess.Read(_guest.Vcpu(), gfn << 12, new byte[8]));
        Assert.False(GuestAccess.Write(_guest.Vcpu(), gfn << 12, new byte[8]));
    }

    [Fact]
    public void NoCopyIsAnnouncedAfterItsEnd()
    {
        Processor cpu = _machine.Cpu();
        int before = cpu.Copies;
        GuestAccess.Read(_guest.Vcpu(), _guest.TakePages() << 12, new byte[8]);
        GuestAccess.Read(_guest.Vcpu(), 0xfff_ffff_f000, new byte[8]);
        Assert.Equal(before + 4, cpu.Copies);
        Assert.Equal(0, cpu.Copies & 1);
    }

    [Fact]
    public void AnAbandonedCopyKeepsNobodyWaiting()
    {
        Processor cpu = _machine.Cpu();
        cpu.BeginCopy();
        Assert.Equal(1, cpu.Copies & 1);
        cpu.AbandonCopy();
        cpu.AbandonCopy();
        Assert.Equal(0, cpu.Copies & 1);
    }

    [Fact]
    public void AMovedPageIsSeenByTheNextCopy()
    {
        ulong gfn = _guest.TakePages(2);
        _guest.Page(gfn).Fill(1);
        _guest.Page(gfn + 1).Fill(2);
        byte[] read = new byte[1];
        GuestAccess.Read(_guest.Vcpu(), gfn << 12, read);
        Assert.Equal(1, read[0]);
        Assert.True(_guest.P2m.Set(new Gfn(gfn), _guest.Frame(gfn + 1), 0, P2mType.Ram));
        GuestAccess.Read(_guest.Vcpu(), gfn << 12, read);
        Assert.Equal(2, read[0]);
    }

    [Fact]
    public void AChangedPageTableEntryIsSeenByTheNextCopy()
    {
        Tables tables = new(_guest);
        Assert.Equal(1, ReadAt(tables.Address));
        Assert.Equal(1, ReadAt(tables.Address));

        // The last level, then the one above it.
        tables.SetEntry(3, tables.Other << 12 | 0x63);
        Assert.Equal(2, ReadAt(tables.Address));
        tables.SetEntry(2, tables.SecondTable << 12 | 0x63);
        Assert.Equal(1, ReadAt(tables.Address));
        tables.SetEntry(2, 0);
        Assert.Equal(-1, ReadAt(tables.Address));
    }

    [Fact]
    public void AWalkMarksTheEntriesEachTime()
    {
        Tables tables = new(_guest);
        Assert.True(GuestAccess.Write(_guest.Vcpu(), tables.Address, new byte[1]));
        Assert.Equal(0x60UL, tables.Entry(3) & 0x60);
        Assert.Equal(0x20UL, tables.Entry(2) & 0x60);
        tables.SetEntry(3, tables.Entry(3) & ~0x60UL);
        Assert.True(GuestAccess.Write(_guest.Vcpu(), tables.Address, new byte[1]));
        Assert.Equal(0x60UL, tables.Entry(3) & 0x60);
    }

    [Fact]
    public void AWalkForReadingSaysNothingAboutWriting()
    {
        Tables tables = new(_guest);
        _guest.Context().Control0 |= 1UL << 16;
        tables.SetEntry(3, tables.Page << 12 | 0x61);
        Assert.Equal(0, ReadAt(tables.Address) - 1);
        Assert.False(GuestAccess.Write(_guest.Vcpu(), tables.Address, new byte[1]));
        _guest.Context().Control0 &= ~(1UL << 16);
        Assert.True(GuestAccess.Write(_guest.Vcpu(), tables.Address, new byte[1]));
        _guest.Context().Control0 |= 1UL << 16;
        Assert.False(GuestAccess.Write(_guest.Vcpu(), tables.Address, new byte[1]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(4)]
    public void ARepeatedWalkSeesThatAFrameOnItsWayIsGone(int level)
    {
        Tables tables = new(_guest);
        Assert.Equal(1, ReadAt(tables.Address));
        Assert.True(_guest.P2m.Remove(new Gfn(level == 4 ? tables.Page : tables.First + (ulong)level)));
        Assert.Equal(-1, ReadAt(tables.Address));
    }

    [Fact]
    public void WithinAHypercallPageTablesAreLookedAtOnce()
    {
        Tables tables = new(_guest);
        TranslationCache translations = _guest.Vcpu().Translations;
        Assert.Equal(1, ReadAt(tables.Address));
        translations.BeginHypercall();
        Assert.Equal(1, ReadAt(tables.Address));
        tables.SetEntry(3, tables.Other << 12 | 0x63);
        Assert.Equal(1, ReadAt(tables.Address));
        translations.EndHypercall();
        Assert.Equal(2, ReadAt(tables.Address));
        translations.BeginHypercall();
        tables.SetEntry(3, tables.Page << 12 | 0x63);
        Assert.Equal(1, ReadAt(tables.Address));
    }

    [Fact]
    public void WithinAHypercallAReadSaysNothingAboutWriting()
    {
        Tables tables = new(_guest);
        _guest.Context().Control0 |= 1UL << 16;
        tables.SetEntry(3, tables.Page << 12 | 0x61);
        _guest.Vcpu().Translations.BeginHypercall();
        byte one = 1;
        Assert.True(GuestAccess.TryRead(_guest.Vcpu(), tables.Address, out byte _));
        Assert.False(GuestAccess.TryWrite(_guest.Vcpu(), tables.Address, in one));
        Assert.False(GuestAccess.TryReadForUpdate(_guest.Vcpu(), tables.Address, out byte _));
        Assert.True(GuestAccess.TryRead(_guest.Vcpu(), tables.Address, out byte _));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(4)]
    public void WithinAHypercallAFrameThatIsGoneIsNotUsed(int level)
    {
        Tables tables = new(_guest);
        _guest.Vcpu().Translations.BeginHypercall();
        Assert.Equal(1, ReadAt(tables.Address));
        Assert.True(_guest.P2m.Remove(new Gfn(level == 4 ? tables.Page : tables.First + (ulong)level)));
        Assert.Equal(-1, ReadAt(tables.Address));
    }

    [Fact]
    public void WithinAHypercallAnotherFrameIsSeen()
    {
        Tables tables = new(_guest);
        _guest.Vcpu().Translations.BeginHypercall();
        Assert.Equal(1, ReadAt(tables.Address));
        Assert.True(_guest.P2m.Set(new Gfn(tables.Page), _guest.Frame(tables.Other), 0, P2mType.Ram));
        Assert.Equal(2, ReadAt(tables.Address));
    }

    [Fact]
    public void AStructureMayCrossPages()
    {
        ulong address = (_guest.TakePages(2) << 12) + 4092, written = 0x1122_3344_5566_7788;
        Assert.True(GuestAccess.TryWrite(_guest.Vcpu(), address, in written));
        Assert.True(GuestAccess.TryRead(_guest.Vcpu(), address, out ulong value));
        Assert.Equal(written, value);
        Assert.Equal(0x5566_7788U, _guest.Read<uint>(address));
    }

    [Fact]
    public void OtherPageTablesAreOtherWalks()
    {
        Tables first = new(_guest), second = new(_guest);
        _guest.Page(second.Page)[0] = 7;
        Assert.Equal(7, ReadAt(second.Address));
        _guest.Context().Control3 = first.First << 12;
        Assert.Equal(1, ReadAt(first.Address));
        _guest.Context().Control3 = second.First << 12;
        Assert.Equal(7, ReadAt(second.Address));
    }

    private int ReadAt(ulong address)
    {
        byte[] read = new byte[1];
        return GuestAccess.Read(_guest.Vcpu(), address, read) ? read[0] : -1;
    }

    // Four levels of tables for one address, in consecutive pages; the page behind it holds 1, the other one 2.
    private sealed class Tables
    {
        private readonly TestDomain _guest;

        public Tables(TestDomain guest)
        {
            _guest = guest;
            First = guest.TakePages(4);
            SecondTable = guest.TakePages();
            Page = guest.TakePages();
            Other = guest.TakePages();
            guest.Page(Page)[0] = 1;
            guest.Page(Other)[0] = 2;
            for (int level = 0; level < 3; level++)
                SetEntry(level, (First + (ulong)level + 1) << 12 | 3);
            SetEntry(3, Page << 12 | 3);
            BitConverter.TryWriteBytes(guest.Page(SecondTable)[(Index(3) * 8)..], Page << 12 | 3);
            FakeVcpuContext context = guest.Context();
            context.Control0 = 1UL << 31 | 0x11;
            context.ExtendedFeatures = 1UL << 10;
            context.Control3 = First << 12;
        }

        public ulong Address => 0x7f12_3456_7000;

        public ulong First { get; }

        public ulong SecondTable { get; }

        public ulong Page { get; }

        public ulong Other { get; }

        public void SetEntry(int level, ulong entry) => BitConverter.TryWriteBytes(_guest.Page(First + (ulong)level)[(Index(level) * 8)..], entry);

        public ulong Entry(int level) => BitConverter.ToUInt64(_guest.Page(First + (ulong)level)[(Index(level) * 8)..]);

        private int Index(int level) => (int)(Address >> (39 - (9 * level))) & 511;
    }
}
