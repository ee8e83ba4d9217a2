// SPDX-License-Identifier: MIT
// GNTTABOP_copy: pages, parts of pages, grants of grants.

using System;
using XenSharp.Abi;
using XenSharp.Core.Hypercalls;
using XenSharp.Edge;
using XenSharp.Testing;
using Xunit;
using static XenSharp.Abi.GrantStatus;
using static XenSharp.Tests.Unit.Hypercalls.GrantGuest;

namespace XenSharp.Tests.Unit.Hypercalls;

public class GrantCopyTests
{
    private const int From = 1, To = 2, Both = 3;
    private const ulong Hole = 0x10_0000, Page = 100;
    private readonly TestHost _machine = new();
    private readonly TestDomain _dom0;
    private readonly TestDomain _a;
    private readonly TestDomain _b;

    public GrantCopyTests()
    {
        _dom0 = _machine.AddDom0();
        _a = _machine.AddDomain(3);
        _b = _machine.AddDomain(4);
        foreach (TestDomain guest in (TestDomain[])[_a, _b])
        {
            guest.ShowTable();
            guest.Grant(8, 0, Page);
            guest.Grant(9, 0, Page, Permit | ReadOnly);
            guest.Grant(10, 0, Hole);
            guest.Grant(11, 5, Page);
        }

        _a.Page(Page).Fill(0xaa);
        _b.Page(Page).Fill(0xbb);
    }

    [Fact]
    public void BetweenTwoOtherDomains()
    {
        Assert.Equal(Okay, _dom0.Copy(Ref(3, 8, 100), Ref(4, 8, 200), 50, Both));
        Assert.Equal((0xbb, 0xaa, 0xaa, 0xbb), (_b.Page(Page)[199], _b.Page(Page)[200], _b.Page(Page)[249], _b.Page(Page)[250]));
        Assert.Equal((Permit, Permit), (_a.Flags(8), _b.Flags(8)));
        Assert.Equal((1, 1), (_machine.References(_a.Frame(Page)), _machine.References(_b.Frame(Page))));
        _machine.IsConsistent(0);
    }

    [Fact]
    public void BetweenAGrantAndAnOwnPage()
    {
        Assert.Equal(Okay, _dom0.Copy(Ref(3, 8), Own(30), 4096, From));
        Assert.Equal(-1, _dom0.Page(30).IndexOfAnyExcept((byte)0xaa));
        Assert.Equal(Okay, _dom0.Copy(Own(31), Ref(4, 8), 4096, To));
        Assert.Equal(-1, _b.Page(Page).IndexOfAnyExcept((byte)0));
        Assert.Equal(Okay, _dom0.Copy(Own(30), Own(31, 8), 16, 0));
        Assert.Equal((0, 0xaa), (_dom0.Page(31)[7], _dom0.Page(31)[23]));
    }

    [Theory]
    [InlineData(9, From, 0, 0, 16, Okay), InlineData(9, To, 0, 0, 16, GeneralError), InlineData(10, From, 0, 0, 16, BadPage)]
    [InlineData(11, From, 0, 0, 16, GeneralError), InlineData(12, From, 0, 0, 16, GeneralError), InlineData(512, From, 0, 0, 16, BadGrantRef)]
    [InlineData(8, From, 4090, 0, 16, BadCopyArgument), InlineData(8, From, 0, 4090, 16, BadCopyArgument), InlineData(8, From, 0, 0, 5000, BadCopyArgument)]
    [InlineData(8, From, 0, 0, 0, Okay), InlineData(8, 0, 0, 0, 16, PermissionDenied)]
    public void Refusals(int reference, int flags, int sourceOffset, int destinationOffset, int length, GrantStatus expected)
    {
        GrantTableCopyPointer grant = Ref(3, (uint)reference, (ushort)(flags == To ? destinationOffset : sourceOffset));
        GrantTableCopyPointer own = Own(30, (ushort)(flags == To ? sourceOffset : destinationOffset));
        Assert.Equal(expected, flags == To ? _dom0.Copy(own, grant, length, flags) : _dom0.Copy(grant, own, length, flags));
        if (reference < 512)
            Assert.Equal(0, _a.Flags((uint)reference) & (Reading | Writing));
        Assert.Equal(1, _machine.References(_a.Frame(Page)));
        _machine.IsConsistent(0);
    }

    [Fact]
    public void NeitherForeignPagesNorDevicesAreOwn()
    {
        Assert.Equal(Okay, _dom0.Map(3, 8, Hole).Status);
        Assert.Equal(BadPage, _dom0.Copy(Own(Hole), Own(30), 16, 0));
        Assert.Equal(BadPage, _dom0.Copy(Own(30), Own(Hole), 16, 0));
        _dom0.P2m.Set(new Gfn(Hole + 1), new Mfn(7), 0, P2mType.Direct);
        Assert.Equal(BadPage, _dom0.Copy(Own(30), Own(Hole + 1), 16, 0));
        Assert.Equal(BadPage, _dom0.Copy(Own(30), Own(ulong.MaxValue), 16, 0));
        Assert.Equal(BadDomain, _dom0.Copy(Ref(77, 8), Own(30), 16, From));
    }

    [Fact]
    public void ADyingDomainIsNotCopiedFrom()
    {
        _a.Domain.IsDying = true;
        Assert.Equal(BadDomain, _dom0.Copy(Ref(3, 8), Own(30), 16, From));
    }

    [Fact]
    public void AGrantThatIsMappedCanBeCopied()
    {
        Assert.Equal(Okay, _dom0.Map(3, 8, Hole).Status);
        _a.Grant(8, 0, 101, 0);
        Assert.Equal(Okay, _dom0.Copy(Ref(3, 8), Own(30), 16, From));
        Assert.Equal(0xaa, _dom0.Page(30)[0]);
        _machine.IsConsistent(1);
    }

    [Fact]
    public void AListKeepsItsPages()
    {
        for (uint i = 0; i < 60; i++)
            _dom0.Write(0x3000 + (i * 40), new GrantTableCopy
            {
                Source = Ref(3, i == 50 ? 11u : 8u, (ushort)(i * 64)), Destination = Own(30, (ushort)(i * 64)), Length = 64,
                Flags = GrantCopyFlags.SourceGrantRef,
            });
        Assert.Equal(0, _dom0.Call(GrantTableOp.Call, 0, 5, 0x3000, 60));
        Assert.NotEqual(0, _dom0.Continuations);
        for (uint i = 0; i < 60; i++)
        {
            Assert.Equal(i == 50 ? GeneralError : Okay, _dom0.Read<GrantTableCopy>(0x3000 + (i * 40)).Status);
            Assert.Equal(i == 50 ? 0 : 0xaa, _dom0.Page(30)[(int)i * 64]);
        }

        _machine.IsConsistent(0);
        Assert.Equal(1, _machine.References(_a.Frame(Page)));
    }

    [Fact]
    public void PartsOfPagesHaveBounds()
    {
        Assert.Equal(0, _a.SetVersion(2));
        _a.GrantV2(8, 0, Page, Permit | SubPage, 100 | (50 << 16));
        Assert.Equal(Okay, _dom0.Copy(Ref(3, 8, 100), Own(30), 50, From));
        Assert.Equal(Okay, _dom0.Copy(Own(30), Ref(3, 8, 149), 1, To));
        Assert.Equal(GeneralError, _dom0.Copy(Ref(3, 8, 99), Own(30), 2, From));
        Assert.Equal(GeneralError, _dom0.Copy(Ref(3, 8, 149), Own(30), 2, From));
        Assert.Equal(GeneralError, _dom0.Copy(Own(30), Ref(3, 8, 149), 2, To));
        Assert.Equal(0, _a.StatusV2(8));
        _machine.IsConsistent(0);
    }

    [Fact]
    public void AGrantOfAGrantIsCopiedThrough()
    {
        Assert.Equal(0, _a.SetVersion(2));
        _b.Grant(20, 3, Page);
        _a.GrantV2(8, 0, 20, Transitive, 4);
        _a.GrantV2(9, 0, 21, Transitive, 4);
        _a.GrantV2(10, 0, 20, Transitive, 3);
        _a.GrantV2(11, 0, 20, Transitive, 77);
        Assert.Equal(Okay, _dom0.Copy(Ref(3, 8), Own(30), 16, From));
        Assert.Equal(0xbb, _dom0.Page(30)[0]);
        Assert.Equal(Okay, _dom0.Copy(Own(31), Ref(3, 8), 16, To));
        Assert.Equal(0, _b.Page(Page)[15]);
        Assert.Equal(GeneralError, _dom0.Copy(Ref(3, 9), Own(30), 16, From));
        Assert.Equal(GeneralError, _dom0.Copy(Ref(3, 10), Own(30), 16, From));
        Assert.Equal(GeneralError, _dom0.Copy(Ref(3, 11), Own(30), 16, From));
        for (uint i = 8; i < 12; i++)
            Assert.Equal(0, _a.StatusV2(i));
        Assert.Equal((Permit, 1), (_b.Flags(20), _machine.References(_b.Frame(Page))));
        _machine.IsConsistent(0);
        Assert.Equal(0, _b.SetVersion(2));
        _b.GrantV2(20, 3, 8, Transitive, 0);
        Assert.Equal(GeneralError, _dom0.Copy(Ref(3, 8), Own(30), 16, From));
        _machine.Host.Options.AllowsTransitiveGrants = false;
        _b.GrantV2(20, 3, Page);
        Assert.Equal(GeneralError, _dom0.Copy(Ref(3, 8), Own(30), 16, From));
        _machine.IsConsistent(0);
    }
}
