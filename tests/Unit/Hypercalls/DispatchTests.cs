// SPDX-License-Identifier: MIT
// The dispatch table: privilege, guest types, and which numbers exist, compared with the recording of real Xen.

using System;
using System.IO;
using System.Runtime.CompilerServices;
using XenSharp.Testing;
using Xunit;
using static XenSharp.Tests.Unit.Hypercalls.HypercallGuest;

namespace XenSharp.Tests.Unit.Hypercalls;

public class DispatchTests
{
    private readonly TestDomain _dom0;
    private readonly TestDomain _guest;

    public DispatchTests()
    {
        var machine = new TestHost();
        _dom0 = machine.AddDom0();
        _guest = machine.AddDomain(3);
    }

    [Fact]
    public void UserModeIsRefused()
    {
        _guest.Context().Privilege = 3;
        Assert.Equal(Perm, _guest.Hypercall(HypercallGuest.Version));
        Assert.Equal(Perm, _guest.Hypercall(63));
    }

    [Fact]
    public void NarrowCallersUseTheirOwnRegisters()
    {
        Edge.FakeVcpuContext context = _guest.Context();
        context.Long = false;
        (context.Rax, context.Rbx, context.Rcx) = (0xffff_ffff_0000_0011, 6, 0xffff_ffff_0000_1000);
        Assert.False(Core.Hypercalls.HypercallTable.Dispatch(_guest.Vcpu()));
        Assert.Equal(0UL, context.Rax);
        Assert.Equal(0x12305u, _guest.Read<uint>(0x1004));
        (context.Rax, context.Rbx, context.Rcx) = (17, 5, 0x1000);
        _guest.Write(0x1000, ulong.MaxValue);
        Assert.False(Core.Hypercalls.HypercallTable.Dispatch(_guest.Vcpu()));
        Assert.Equal(0xffff_ffff_0000_0000, _guest.Read<ulong>(0x1000));
        context.Rax = 63;
        Assert.False(Core.Hypercalls.HypercallTable.Dispatch(_guest.Vcpu()));
        Assert.Equal(0xffff_ffdaUL, context.Rax);
        Assert.False(_guest.Vcpu().IsNarrow);
    }

    [Theory]
    [InlineData(17UL + (1UL << 32)), InlineData(1000UL), InlineData(ulong.MaxValue), InlineData(0x8000_0000UL)]
    public void NumbersOutsideTheTableDoNotExist(ulong number) => Assert.Equal(NoSystem, _dom0.Hypercall(number));

    [Fact]
    public void TheSameNumbersExistAsOnXen()
    {
        int compared = 0;
        foreach (string line in File.ReadLines(Golden()))
        {
            if (!line.StartsWith("number(", StringComparison.Ordinal) || line.StartsWith("number(33)", StringComparison.Ordinal)
                || line.StartsWith("number(27)", StringComparison.Ordinal))
                continue;
            int end = line.IndexOf(')');
            ulong number = line[7] == '-' ? ulong.MaxValue : ulong.Parse(line.AsSpan(7, end - 7));
            bool exists = !line.EndsWith("= -ENOSYS", StringComparison.Ordinal);
            Assert.True(exists == (_dom0.Hypercall(number) != NoSystem), line);
            compared++;
        }

        Assert.True(compared > 60);
    }

    [Fact]
    public void ControlOperationsCheckStructureAndVersionBeforeTheCaller()
    {
        const ulong at = 0x1000;
        Assert.Equal(Fault, _guest.Hypercall(Sysctl, Unmapped));
        Assert.Equal(Access, _guest.Hypercall(Sysctl, at));
        _guest.Write(at + 4, 0x15u);
        Assert.Equal(Perm, _guest.Hypercall(Sysctl, at));
        Assert.Equal(Perm, _guest.Hypercall(HypFs));
        _guest.Write(at, 5u);
        _guest.Write(at + 8, (ushort)9);
        Assert.Equal(NoProcess, _guest.Hypercall(Domctl, at));
        _guest.Write(at + 8, (ushort)0);
        Assert.Equal(Perm, _guest.Hypercall(Domctl, at));
    }

    private static string Golden([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "Boot", "Golden", "xen-4.17-pvh-dom0.txt");
}
