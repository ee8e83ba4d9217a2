// SPDX-License-Identifier: MIT
// What devices reach through the IOMMU's tables, checked by a walker of its own.

using System;
using System.Linq;
using XenSharp.Core.Boot.Acpi;
using XenSharp.Core.Iommu;
using XenSharp.Edge;
using XenSharp.Testing;
using XenSharp.Tests.Unit.Acpi;
using Xunit;

namespace XenSharp.Tests.Unit.Iommu;

public sealed class IommuTests
{
    private const ushort Disk = 0x18, IoApic = 0xa0, Self = 0x10;

    private readonly TestHost _host = new();
    private readonly FakeIommu _hardware;
    private readonly MachineTables _tables;

    public IommuTests()
    {
        _hardware = new FakeIommu(_host.Memory);
        _tables = MachineTables.Find(FirmwareImage.Standard(ivrs: IvrsTests.Standard), 0, _host.Host.Console)!;
    }

    [Fact]
    public void NothingPassesBeforeItIsAssigned()
    {
        Start();
        Assert.False(_hardware.Access(Disk, 0x1000, false, out _));
        Assert.False(_hardware.Access(0xff, 0, true, out _));
        Assert.Null(_hardware.Interrupt(Disk, 0xfee00000, 0x30));
    }

    [Fact]
    public void DevicesReachTheMemoryOfTheirDomainOnly()
    {
        IommuSystem iommu = Start();
        IoPageTable table = NewTable(iommu);
        Map(table, 0x100, 0x500, 0, P2mType.Ram);
        Map(table, 0x101, 0x600, 0, P2mType.GrantReadOnly);
        Map(table, 0x102, 0x601, 0, P2mType.Shared);
        Map(table, 0x103, 0x602, 0, P2mType.Foreign);
        Map(table, 0x200, 0x400, 9, P2mType.Ram);
        Map(table, 0x40000, 0x40000, 18, P2mType.Direct);
        Assert.True(iommu.AssignAll(table, _host.Cpu()));
        Reaches(0x100_123, 0x500_123, true);
        Reaches(0x101_000, 0x600_000, false);
        Assert.False(_hardware.Access(Disk, 0x102_000, false, out _));
        Reaches(0x103_000, 0x602_000, true);
        Reaches(0x200_000, 0x400_000, true);
        Reaches(0x3ff_fff, 0x5ff_fff, true);
        Reaches(0x7fff_ffff, 0x7fff_ffff, true);
        Assert.False(_hardware.Access(Disk, 0x104_000, false, out _));
        Assert.False(_hardware.Access(Disk, 0x500_000, false, out _));
        Assert.False(_hardware.Access(Disk, 0x8000_0000, false, out _));
        Assert.False(_hardware.Access(Disk, 1UL << 47, false, out _));
        Assert.False(_hardware.Access(Self, 0x100_000, false, out _));
    }

    [Fact]
    public void RemovedPagesAreGoneAfterTheFlush()
    {
        IommuSystem iommu = Start();
        IoPageTable table = NewTable(iommu);
        DictionaryP2m p2m = new(1 << 20) { Mirror = table };
        Assert.True(p2m.Set(new Gfn(0x200), new Mfn(0x400), 9, P2mType.Ram));
        Assert.True(iommu.AssignAll(table, _host.Cpu()));
        Reaches(0x3ff_000, 0x5ff_000, true);
        Reaches(0x201_000, 0x401_000, true);
        Assert.True(p2m.Remove(new Gfn(0x201)));
        p2m.Flush();
        Assert.False(_hardware.Access(Disk, 0x201_000, false, out _));
        Reaches(0x3ff_000, 0x5ff_000, true);
        Assert.EndsWith("domain 1, wait", string.Join(", ", _hardware.Commands));
    }

    [Fact]
    public void APageThatTakesAnothersPlaceIsSeenBeforeTheGuestGoesOn()
    {
        IommuSystem iommu = Start();
        IoPageTable table = NewTable(iommu);
        Map(table, 0x100, 0x500, 0, P2mType.Ram);
        Assert.True(iommu.AssignAll(table, _host.Cpu()));
        Reaches(0x100_000, 0x500_000, true);
        Map(table, 0x100, 0x501, 0, P2mType.Ram);
        GuestGoesOn(iommu);
        Reaches(0x100_000, 0x501_000, true);
        Map(table, 0x100, 0, 0, P2mType.None);
        Map(table, 0x100, 0x502, 0, P2mType.GrantReadOnly);
        GuestGoesOn(iommu);
        Reaches(0x100_000, 0x502_000, false);
        Assert.False(_hardware.Access(Disk, 0x100_000, true, out _));
    }

    [Fact]
    public void MappingWithoutReplacingNeedsNoCommands()
    {
        IommuSystem iommu = Start();
        IoPageTable table = NewTable(iommu);
        int before = _hardware.Commands.Count;
        for (ulong i = 0; i < 1000; i++)
            Map(table, i, 0x500 + i, 0, P2mType.Ram);
        table.Flush();
        Assert.Equal(before, _hardware.Commands.Count);
        Assert.Equal(PendingWork.None, _host.Cpu().Pending);
    }

    [Fact]
    public void AnIommuThatCachesAbsenceIsToldOfNewMappings()
    {
        IommuSystem iommu = Start();
        iommu.CachesAbsent = _hardware.CachesAbsent = true;
        IoPageTable table = NewTable(iommu);
        Assert.True(iommu.AssignAll(table, _host.Cpu()));
        Assert.False(_hardware.Access(Disk, 0x100_000, false, out _));
        Map(table, 0x100, 0x500, 0, P2mType.Ram);
        Assert.False(_hardware.Access(Disk, 0x100_000, false, out _));
        GuestGoesOn(iommu);
        Reaches(0x100_000, 0x500_000, true);
    }

    [Fact]
    public void TablesThatALargePageReplacesComeBack()
    {
        IommuSystem iommu = Start();
        CountedFrames frames = new(_host);
        IoPageTable table = iommu.CreateTable(0, frames)!;
        Map(table, 0x200, 0x400, 9, P2mType.Ram);
        int before = frames.Taken;
        Map(table, 0x210, 0x777, 0, P2mType.Ram);
        Assert.Equal(before + 1, frames.Taken);
        Map(table, 0x200, 0x400, 9, P2mType.Ram);
        Assert.Equal(before, frames.Taken);
    }

    [Fact]
    public void WithoutATablePageNothingChanges()
    {
        IommuSystem iommu = Start();
        CountedFrames frames = new(_host);
        IoPageTable table = iommu.CreateTable(0, frames)!;
        Map(table, 0x200, 0x400, 9, P2mType.Ram);
        Assert.True(iommu.AssignAll(table, _host.Cpu()));
        frames.Limit = frames.Taken;
        Assert.False(table.Prepare(new Gfn(0x200), 0, P2mType.None));
        Assert.False(table.Prepare(new Gfn(0x8_0000), 0, P2mType.Ram));
        Assert.True(table.Prepare(new Gfn(0x8_0000), 0, P2mType.None));
        Reaches(0x200_000, 0x400_000, true);
    }

    [Fact]
    public void InterruptsArriveWhereTheyWereMapped()
    {
        IommuSystem iommu = Start();
        Assert.True(iommu.MapInterrupt(Disk, 5, 0x61, 3, _host.Cpu(), out MessageInterrupt message));
        Assert.Equal(((byte)0x61, (byte)3), _hardware.Interrupt(Disk, message.Address, message.Data));
        Assert.True(iommu.MapInterrupt(Disk, 5, 0x62, 4, _host.Cpu(), out message));
        Assert.Equal(((byte)0x62, (byte)4), _hardware.Interrupt(Disk, message.Address, message.Data));
        Assert.Null(_hardware.Interrupt(Disk, 0xfee0_0000, 0x62));
        iommu.UnmapInterrupt(Disk, 5, _host.Cpu());
        Assert.Null(_hardware.Interrupt(Disk, message.Address, message.Data));
        Assert.False(iommu.MapInterrupt(Disk, 1024, 0x61, 0, _host.Cpu(), out _));
        Assert.False(iommu.MapInterrupt(Disk, 0, 0x61, 256, _host.Cpu(), out _));
        Assert.True(iommu.MapIoApic(0, 0x40, 24, 7, _host.Cpu()));
        Assert.Equal(((byte)0x57, (byte)7), _hardware.Interrupt(IoApic, 0xfee0_0000, 0x57));
        Assert.Null(_hardware.Interrupt(IoApic, 0xfee0_0000, 0x58));
    }

    [Fact]
    public void WithoutRemappingMessagesArePlain()
    {
        _host.Host.Options.Iommu.Parse("no-intremap"u8);
        IommuSystem iommu = Start();
        Assert.False(iommu.RemapsInterrupts);
        Assert.True(iommu.MapInterrupt(Disk, 5, 0x61, 3, _host.Cpu(), out MessageInterrupt message));
        Assert.Equal((0xfee0_3000UL, 0x61u), (message.Address, message.Data));
        Assert.Equal(((byte)0x61, (byte)3), _hardware.Interrupt(Disk, message.Address, message.Data));
    }

    [Fact]
    public void FaultsAreReportedTenASecond()
    {
        IommuSystem iommu = Start();
        IoPageTable table = NewTable(iommu);
        iommu.AssignAll(table, _host.Cpu());
        for (int i = 0; i < 25; i++)
            _hardware.Access(Disk, 0x1234_5000, true, out _);
        iommu.HandleEvents(_host.Cpu());
        const string fault = "AMD-Vi: IO_PAGE_FAULT: 0000:00:03.0 d0 addr 0000000012345000 flags 0x20 RW";
        Assert.Equal(10, Lines(fault));
        _host.Platform.NowNs += 2_000_000_000;
        _hardware.Access(0x08, 0x5000, false, out _);
        _hardware.Access(0x20, 0x6000, false, out _);
        iommu.HandleEvents(_host.Cpu());
        Assert.Equal(1, Lines("AMD-Vi: 15 more events were not shown"));
        Assert.Equal(1, Lines("AMD-Vi: IO_PAGE_FAULT: 0000:00:01.0 d0 addr 0000000000005000 flags 0x0"));
        Assert.Equal(1, Lines("AMD-Vi: IO_PAGE_FAULT: 0000:00:04.0 no domain addr 0000000000006000 flags 0x0"));
        _hardware.LogEvent((5UL << 60) | 0x1234, 0xabcd_0000_1234);
        iommu.HandleEvents(_host.Cpu());
        Assert.Equal(1, Lines("AMD-Vi: ILLEGAL_COMMAND_ERROR 00001234 50000000 00001234 0000abcd"));
    }

    [Fact]
    public void AnOverflownLogIsStartedAnew()
    {
        IommuSystem iommu = Start();
        iommu.AssignAll(NewTable(iommu), _host.Cpu());
        for (int i = 0; i < 5000; i++)
            _hardware.Access(Disk, 0x1234_5000, true, out _);
        _host.Platform.NowNs += 1_000_000_000;
        for (int i = 0; i < 20; i++)
        {
            _host.Platform.NowNs += 1_000_000_000;
            iommu.HandleEvents(_host.Cpu());
        }

        Assert.Equal(1, Lines("event log overflow"));
        _hardware.Access(0x20, 0x5000, false, out _);
        iommu.HandleEvents(_host.Cpu());
        Assert.Equal(1, Lines("0000:00:04.0"));
    }

    [Fact]
    public void AnIommuThatDoesNothingIsNotUsed()
    {
        _hardware.IsDead = true;
        _host.Platform.Ticks = 1_000_000;
        Assert.Null(IommuSystem.Start(_host.Host, _tables, [_hardware], new Blocks(_host)));
        Assert.Equal(1, Lines("AMD-Vi: IOMMU 0 does not execute commands; it is not used"));
    }

    [Fact]
    public void OneThatStopsIsTheEnd()
    {
        IommuSystem iommu = Start();
        IoPageTable table = NewTable(iommu);
        Map(table, 0x100, 0x500, 0, P2mType.Ram);
        Map(table, 0x100, 0, 0, P2mType.None);
        _hardware.IsDead = true;
        _host.Platform.Ticks = 1_000_000;
        Assert.Throws<MachineStoppedException>(table.Flush);
        Assert.Equal(1, Lines("Panic: AMD-Vi: IOMMU 0 no longer executes commands"));
    }

    [Fact]
    public void OneWithoutInvalidateAllIsClearedPieceByPiece()
    {
        _hardware.LacksInvalidateAll = true;
        Start();
        Assert.Contains("device 255", _hardware.Commands);
        Assert.DoesNotContain("all", _hardware.Commands);
        Assert.Equal("wait", _hardware.Commands[^1]);
    }

    private IommuSystem Start()
    {
        IommuSystem? iommu = IommuSystem.Start(_host.Host, _tables, [_hardware], new Blocks(_host));
        _host.Host.Iommu = iommu;
        return iommu!;
    }

    private IoPageTable NewTable(IommuSystem iommu) => iommu.CreateTable(0, new CountedFrames(_host))!;

    private void GuestGoesOn(IommuSystem iommu)
    {
        Assert.Equal(PendingWork.DeviceTables, _host.Cpu().TakePending());
        iommu.FlushPending();
    }

    private int Lines(string text) => _host.Platform.ConsoleText.Split('\n').Count(line => line.Contains(text, StringComparison.Ordinal));

    private static void Map(IoPageTable table, ulong guestFrame, ulong frame, int order, P2mType type)
    {
        Assert.True(table.Prepare(new Gfn(guestFrame), order, type));
        table.Set(new Gfn(guestFrame), new Mfn(frame), order, type);
    }

    private void Reaches(ulong address, ulong machineAddress, bool writable)
    {
        Assert.True(_hardware.Access(Disk, address, false, out ulong found));
        Assert.Equal(machineAddress, found);
        Assert.Equal(writable, _hardware.Access(Disk, address, true, out _));
    }

    private sealed class Blocks(TestHost host) : IommuMemory
    {
        public override bool TryTake(int order, out Mfn first) => host.Host.Allocator.TryAllocate(order, host.Cpu(), out first);
    }

    private sealed class CountedFrames(TestHost host) : FrameSource
    {
        public int Taken { get; private set; }

        public int Limit { get; set; } = int.MaxValue;

        public override bool TryAllocate(out Mfn frame)
        {
            frame = Mfn.Invalid;
            if (Taken == Limit || !host.Host.Allocator.TryAllocate(0, host.Cpu(), out frame))
                return false;
            host.Memory.Clear(frame);
            Taken++;
            return true;
        }

        public override void Free(Mfn frame)
        {
            Taken--;
            host.Host.Allocator.Free(frame, 0, host.Cpu());
        }
    }
}
