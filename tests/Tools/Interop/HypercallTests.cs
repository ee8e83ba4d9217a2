// SPDX-License-Identifier: MIT
// Buffers, structures and refusals of hypercalls, as a hypervisor would see them.

using System;
using System.Runtime.InteropServices;
using XenSharp.Abi;
using XenSharp.Control;
using XenSharp.Interop;
using Xunit;

namespace XenSharp.Tests.Tools.Interop;

public sealed class HypercallTests
{
    [Fact]
    public void DomctlCarriesItsHeaderAndArgument()
    {
        byte[] seen = [];
        using Hypervisor hypervisor = Answering((number, arguments) =>
        {
            Assert.Equal(HypercallNumber.Domctl, number);
            seen = Read(arguments[0], DomctlHeader.TotalSize);
            return 0;
        });
        hypervisor.SetMaxMemory(7, 0x1234);
        Assert.Equal((uint)DomctlCommand.MaxMemory, BitConverter.ToUInt32(seen, 0));
        Assert.Equal(0x15u, BitConverter.ToUInt32(seen, 4));
        Assert.Equal(7, BitConverter.ToUInt16(seen, 8));
        Assert.Equal(0x1234ul, BitConverter.ToUInt64(seen, 16));
    }

    [Fact]
    public void CreationReturnsTheIdThatTheHypervisorChose()
    {
        using Hypervisor hypervisor = Answering((_, arguments) =>
        {
            Marshal.WriteInt16((nint)arguments[0] + 8, 42);
            return 0;
        });
        DomctlCreateDomain settings = new() { MaxVcpus = 1 };
        Assert.Equal(42, hypervisor.CreateDomain(ref settings));
    }

    [Fact]
    public void RefusalNamesOperationDomainAndReason()
    {
        using Hypervisor hypervisor = Answering((_, _) => -(long)Errno.Perm);
        HypercallException refusal = Assert.Throws<HypercallException>(() => hypervisor.PauseDomain(3));
        Assert.Equal((Errno.Perm, 3, "pausedomain"), (refusal.Error, refusal.Domain, refusal.Operation));
        Assert.Contains("pausedomain of domain 3", refusal.Message);
    }

    [Fact]
    public void AnAnswerAboutTheNextDomainMeansThatThereIsNone()
    {
        using Hypervisor hypervisor = Answering((_, arguments) =>
        {
            Marshal.WriteInt16((nint)arguments[0] + DomctlHeader.ArgumentOffset, 9);
            return 0;
        });
        Assert.False(hypervisor.TryGetDomain(8, out _));
        Assert.True(hypervisor.TryGetDomain(9, out DomctlGetDomainInfo info));
        Assert.Equal(9, info.Domain);
    }

    [Fact]
    public void ListGoesOnUntilABatchIsNotFull()
    {
        const int all = 300;
        using Hypervisor hypervisor = Answering((_, arguments) =>
        {
            nint argument = (nint)arguments[0] + SysctlHeader.ArgumentOffset;
            int first = Marshal.ReadInt16(argument), most = Marshal.ReadInt32(argument, 4);
            int count = Math.Min(most, all - first);
            for (int index = 0; index < count; index++)
                Marshal.WriteInt16((nint)Marshal.ReadInt64(argument, 8) + (index * Marshal.SizeOf<DomctlGetDomainInfo>()), (short)(first + index));
            Marshal.WriteInt32(argument, 16, count);
            return 0;
        });
        Assert.Equal(all, hypervisor.ListDomains().Count);
        Assert.Equal(5, hypervisor.ListDomains(most: 5).Count);
    }

    [Fact]
    public void BusyDestructionIsTriedAgain()
    {
        int left = 3;
        using Hypervisor hypervisor = Answering((_, _) => left-- > 0 ? -(long)Errno.Again : 0);
        hypervisor.DestroyDomain(1);
        Assert.Equal(-1, left);
    }

    [Fact]
    public void RentedBuffersAreZeroedAndBounded()
    {
        using RecordingGate gate = new((_, _) => 0);
        using (HypercallBuffer first = gate.Rent(100))
            first.Bytes.Fill(0xFF);
        using HypercallBuffer second = gate.Rent(200);
        Assert.Equal(-1, second.Bytes.IndexOfAnyExcept((byte)0));
        Assert.Equal(200, second.Bytes.Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => second.At<ulong>(193));
        second.Dispose();
        Assert.Throws<ObjectDisposedException>(() => second.Bytes.Length);
    }

    [Fact]
    public void UuidIsInTheOrderOfItsText()
    {
        Guid id = new("00112233-4455-6677-8899-aabbccddeeff");
        DomainHandle handle = Hypervisor.ToHandle(id);
        Assert.Equal([0x00, 0x11, 0x22, 0x33, 0x44], handle[..5].ToArray());
        Assert.Equal(id, Hypervisor.ToGuid(handle));
    }

    [Fact]
    public void OutsideDom0TheErrorSaysSo()
    {
        if (XenDevice.IsControlDomain)
            return;
        SystemFailure failure = Assert.Throws<SystemFailure>(Hypervisor.Open);
        Assert.Contains("/dev/xen/privcmd", failure.Message);
        Assert.Contains("does not run under Xen", failure.Message);
    }

    private static Hypervisor Answering(Func<HypercallNumber, ulong[], long> answer) => new(new RecordingGate(answer));

    private static byte[] Read(ulong address, int length)
    {
        byte[] bytes = new byte[length];
        Marshal.Copy((nint)address, bytes, 0, length);
        return bytes;
    }
}
