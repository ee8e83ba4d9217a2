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
}
