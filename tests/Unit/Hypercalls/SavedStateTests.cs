// SPDX-License-Identifier: MIT
// XEN_DOMCTL_gethvmcontext, sethvmcontext and their relatives, on the state of another domain.

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using XenSharp.Core.CpuPolicy;
using XenSharp.Edge;
using XenSharp.Testing;
using XenSharp.Tests.Unit.CpuPolicy;
using Xunit;
using static XenSharp.Tests.Unit.Hypercalls.HypercallGuest;

namespace XenSharp.Tests.Unit.Hypercalls;

public class SavedStateTests
{
    private const uint SetVcpuContext = 12, GetVcpuContext = 13, GetContext = 33, SetContext = 34, GetPart = 55, SetExtended = 62, GetExtended = 63;
    private const ulong Argument = 0, Buffer = 0x4000;
    private const int Room = 0x4000;
    private const long NoData = -61, NoSpace = -28;

    private readonly TestHost _machine = new();
    private readonly TestDomain _dom0;
    private readonly TestDomain _guest;

    public SavedStateTests()
    {
        HostCpuid host = new(new VirtualPlatform { CpuidAnswer = GoldenCpu.Load().Machine });
        typeof(Core.Host).GetField("<Cpuid>k__BackingField", System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Instance)!.SetValue(_machine.Host, host);
        _dom0 = _machine.AddDom0();
        _guest = _machine.AddDomain(1, vcpus: 2);
    }

    [Fact]
    public void WhatIsSavedCanBeLoadedIntoAnotherDomain()
    {
        Fill();
        byte[] saved = Save(_guest);
        TestDomain copy = _machine.AddDomain(2, vcpus: 2);
        Assert.Equal(0, Load(2, saved));
        byte[] again = Save(copy);
        Assert.Equal(saved, again);
        Assert.Equal(0x1234_5678UL, copy.Context(1).GetRegister(12));
        Assert.Equal(0x0badUL, copy.Context(1).Segments[4].Base);
        Assert.Equal(0x77, copy.Context(1).Image[0xa0]);
        Assert.Equal(3UL, copy.Vcpu(1).EnabledStates);
        Assert.Equal(5UL, copy.Vcpu(1).Msrs.TscAdjust);
        Assert.Equal(1UL, copy.Vcpu(1).Msrs.MiscFeatures);
        Assert.True(copy.Vcpu(1).Apic.HighestPending() < 0 && copy.Vcpu(1).Apic.HasRequests);
        Assert.Equal(0x8000_0202UL, copy.Context(1).System.PendingEvent);
    }

    [Fact]
    public void OnlyVcpusWithRegistersComeUp()
    {
        Fill();
        _machine.Host.Scheduler.VcpuDown(_guest.Vcpu(0), _machine.Cpu());
        byte[] saved = Save(_guest);
        TestDomain copy = _machine.AddDomain(2, vcpus: 2);
        Assert.Equal(0, Load(2, saved));
        Assert.False(copy.Vcpu(0).IsUp);
        Assert.True(copy.Vcpu(1).IsUp && copy.Vcpu(1).IsInitialised);
    }

    [Fact]
    public void NothingIsLoadedFromAContextThatIsWrongAnywhere()
    {
        Fill();
        byte[] saved = Save(_guest);
        TestDomain copy = _machine.AddDomain(2, vcpus: 2);
        ulong before = copy.Context().GetRegister(12);
        foreach ((int at, int type, int _) in Records(saved))
        {
            byte[] broken = (byte[])saved.Clone();
            broken[at + 4]++; // the length of one record
            if (type == 0)
                continue;
            Assert.True(Load(2, broken) < 0, "type " + type);
            Assert.Equal(before, copy.Context().GetRegister(12));
            Assert.Equal(0UL, copy.Vcpu(1).Msrs.TscAdjust);
        }
    }

    [Fact]
    public void TruncatedContextsAreRefused()
    {
        Fill();
        byte[] saved = Save(_guest);
        TestDomain copy = _machine.AddDomain(2, vcpus: 2);
        for (int length = 0; length < saved.Length; length += 13)
            Assert.True(Load(2, saved[..length]) < 0, "length " + length);
        Assert.Equal(0UL, copy.Vcpu(1).Msrs.TscAdjust);
    }

    [Fact]
    public void RandomChangesNeverFail()
    {
        Fill();
        byte[] saved = Save(_guest);
        _machine.AddDomain(2, vcpus: 2);
        for (int seed = 0; seed < 2000; seed++)
        {
            var random = new Random(seed);
            byte[] broken = (byte[])saved.Clone();
            for (int i = random.Next(1, 5); i > 0; i--)
                broken[random.Next(broken.Length)] = (byte)random.Next(256);
            Assert.InRange(Load(2, broken), -150, 0);
        }
    }

    [Fact]
    public void SizesAndBuffersAreChecked()
    {
        Request(GetContext, 1, 0, 0);
        Assert.Equal(0, _dom0.Hypercall(Domctl, Argument));
        uint size = _dom0.Read<uint>(Argument + 16);
        Request(GetContext, 1, size - 1, Buffer);
        Assert.Equal(NoSpace, _dom0.Hypercall(Domctl, Argument));
        Request(GetContext, 1, size, Unmapped);
        Assert.Equal(Fault, _dom0.Hypercall(Domctl, Argument));
        Request(SetContext, 1, 64, Unmapped);
        Assert.Equal(Fault, _dom0.Hypercall(Domctl, Argument));
        Request(SetContext, 1, uint.MaxValue, Buffer);
        Assert.Equal(NoMemory, _dom0.Hypercall(Domctl, Argument));
        Request(SetContext, 0, 64, Buffer);
        Assert.Equal(Invalid, _dom0.Hypercall(Domctl, Argument));
        Request(GetContext, 0, 0, 0);
        Assert.Equal(Invalid, _dom0.Hypercall(Domctl, Argument));
    }

    [Fact]
    public void OneRecordIsThatOfTheWhole()
    {
        Fill();
        byte[] saved = Save(_guest);
        foreach ((int at, int type, int instance) in Records(saved))
        {
            if (type is 0 or 1)
                continue;
            _dom0.WriteWords(Argument, GetPart | (0x15UL << 32), 1, (uint)type | ((ulong)instance << 32), Room, Buffer);
            Assert.Equal(0, _dom0.Hypercall(Domctl, Argument));
            int length = (int)_dom0.Read<ulong>(Argument + 24);
            Assert.Equal(BinaryPrimitives.ReadInt32LittleEndian(saved.AsSpan(at + 4)), length);
            if (type != 2) // the time-stamp counter goes on
                Assert.Equal(saved[(at + 8)..(at + 8 + length)], Read(length));
        }
    }

    [Fact]
    public void ExtendedStateGoesThereAndBack()
    {
        Fill();
        _dom0.WriteWords(Argument, GetExtended | (0x15UL << 32), 1, 1, 0, 0, 0);
        Assert.Equal(0, _dom0.Hypercall(Domctl, Argument));
        ulong mask = _dom0.Read<ulong>(Argument + 24), size = _dom0.Read<ulong>(Argument + 32);
        _dom0.WriteWords(Argument, GetExtended | (0x15UL << 32), 1, 1, mask, size, Buffer);
        Assert.Equal(0, _dom0.Hypercall(Domctl, Argument));
        size = _dom0.Read<ulong>(Argument + 32);
        Assert.Equal(16UL + 576, size);
        byte[] image = Read((int)size);
        _dom0.WriteWords(Argument, SetExtended | (0x15UL << 32), 1, 0, mask, size, Buffer);
        Assert.Equal(0, _dom0.Hypercall(Domctl, Argument));
        Assert.Equal(3UL, _guest.Vcpu(0).EnabledStates);
        Assert.Equal(image[16..], _guest.Context(0).Image[..576]);
    }

    [Theory]
    [InlineData(0, -1, 0)]
    [InlineData(5, -1, 0)]
    [InlineData(0x4000 - 576 + 1, -1, 0)]
    [InlineData(0x4000 - 576 + 2, -1, NotSupported)]
    [InlineData(3000, 0, NotSupported)]
    [InlineData(3000, 2999, NotSupported)]
    [InlineData(3000, 1023, NotSupported)]
    public void ZeroesBehindExtendedStateArePassedOver(int surplus, int setByte, long expected)
    {
        const int extended = 16;
        Fill();
        byte[] saved = Save(_guest);
        (int at, _, _) = Records(saved).First(record => record.Type == extended);
        int length = BinaryPrimitives.ReadInt32LittleEndian(saved.AsSpan(at + 4)), end = at + 8 + length;
        byte[] extra = new byte[surplus];
        if (setByte >= 0)
            extra[setByte] = 1;
        byte[] longer = [.. saved[..end], .. extra, .. saved[end..]];
        BinaryPrimitives.WriteInt32LittleEndian(longer.AsSpan(at + 4), length + surplus);
        _machine.AddDomain(2, vcpus: 2);
        Assert.Equal(expected, Load(2, longer));
    }

    [Fact]
    public void TheRegistersOfTheDebugger()
    {
        Fill();
        _dom0.WriteWords(Argument, GetVcpuContext | (0x15UL << 32), 1, 1, Buffer);
        Assert.Equal(0, _dom0.Hypercall(Domctl, Argument));
        byte[] context = Read(5168);
        Assert.Equal(0x1234_5678UL, BinaryPrimitives.ReadUInt64LittleEndian(context.AsSpan(520 + 24)));
        Assert.Equal(0xfffUL, BinaryPrimitives.ReadUInt64LittleEndian(context.AsSpan(520 + 128)));
        Assert.Equal(0x0badUL, BinaryPrimitives.ReadUInt64LittleEndian(context.AsSpan(5144)));
        BinaryPrimitives.WriteUInt64LittleEndian(context.AsSpan(520 + 24), 99);
        Write(context);
        _dom0.WriteWords(Argument, SetVcpuContext | (0x15UL << 32), 1, 1, Buffer);
        Assert.Equal(0, _dom0.Hypercall(Domctl, Argument));
        Assert.Equal(99UL, _guest.Context(1).GetRegister(12));
        Assert.True(_guest.Vcpu(1).IsUp);
        _dom0.WriteWords(Argument, SetVcpuContext | (0x15UL << 32), 1, 1, 0);
        Assert.Equal(0, _dom0.Hypercall(Domctl, Argument));
        Assert.False(_guest.Vcpu(1).IsUp);
        _dom0.WriteWords(Argument, GetVcpuContext | (0x15UL << 32), 1, 1, Buffer);
        Assert.Equal(NoData, _dom0.Hypercall(Domctl, Argument));
    }

    // State of all kinds in the second vCPU.
    private void Fill()
    {
        for (int i = 0; i < 2; i++)
        {
            FakeVcpuContext context = _guest.Context(i);
            context.Control4 = 0x20;
            context.SetRegister(12, i == 0 ? 7UL : 0x1234_5678);
            context.Rip = 0xfff;
            context.Image[0] = 0x7f;
            context.Image[0xa0] = 0x77;
            context.Image[512] = 3;
            context.Segments[4] = new SegmentState { Base = 0x0bad, Limit = 9, Selector = 8, Attributes = 0xc93 };
        }

        _guest.Context(1).System = new SystemState { Dr7 = 0x400, LStar = 4, PendingEvent = 0x8000_0202 };
        _guest.Vcpu(1).EnabledStates = 3;
        _guest.Vcpu(1).Msrs.TscAdjust = 5;
        _guest.Vcpu(1).Msrs.MiscFeatures = 1;
        _guest.Vcpu(1).Apic.Post(0x55);
    }

    private static IEnumerable<(int At, int Type, int Instance)> Records(byte[] saved)
    {
        for (int at = 0; at < saved.Length; at += 8 + BinaryPrimitives.ReadInt32LittleEndian(saved.AsSpan(at + 4)))
            yield return (at, BinaryPrimitives.ReadUInt16LittleEndian(saved.AsSpan(at)), BinaryPrimitives.ReadUInt16LittleEndian(saved.AsSpan(at + 2)));
    }

    private void Request(uint command, ushort domain, uint size, ulong buffer) =>
        _dom0.WriteWords(Argument, command | (0x15UL << 32), domain, size, buffer);

    private byte[] Save(TestDomain domain)
    {
        Request(GetContext, domain.Domain.Id, Room, Buffer);
        Assert.Equal(0, _dom0.Hypercall(Domctl, Argument));
        return Read(_dom0.Read<int>(Argument + 16));
    }

    private long Load(ushort domain, byte[] saved)
    {
        Write(saved);
        Request(SetContext, domain, (uint)saved.Length, Buffer);
        return _dom0.Hypercall(Domctl, Argument);
    }

    private byte[] Read(int length)
    {
        byte[] bytes = new byte[length];
        for (int at = 0; at < length; at += 4096)
            _dom0.Page((Buffer >> 12) + (ulong)(at >> 12))[..Math.Min(4096, length - at)].CopyTo(bytes.AsSpan(at));
        return bytes;
    }

    private void Write(byte[] bytes)
    {
        for (int at = 0; at < bytes.Length; at += 4096)
            bytes.AsSpan(at, Math.Min(4096, bytes.Length - at)).CopyTo(_dom0.Page((Buffer >> 12) + (ulong)(at >> 12)));
    }
}
