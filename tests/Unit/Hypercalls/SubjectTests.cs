// SPDX-License-Identifier: MIT
// Who pays for a fault in a hypercall: the domain that an operation of the control domain is about, else the caller (Cpu.Subject).

using System;
using System.Reflection;
using XenSharp.Abi;
using XenSharp.Core;
using XenSharp.Core.Domains;
using XenSharp.Core.EventChannels;
using XenSharp.Core.Hypercalls;
using XenSharp.Core.Vcpus;
using XenSharp.Testing;
using Xunit;
using static XenSharp.Tests.Unit.Hypercalls.HypercallGuest;

namespace XenSharp.Tests.Unit.Hypercalls;

public class SubjectTests
{
    private const ulong At = 0x1000, List = 0x2000, Errors = 0x3000, Calls = 0x4000;
    private const ulong Decrease = 1, Populate = 6, AddToMap = 7, RemoveFromMap = 15, AddBatch = 23;
    private const ushort GuestId = 3;
    private readonly TestHost _machine = new();
    private readonly TestDomain _dom0;
    private readonly TestDomain _guest;

    public SubjectTests()
    {
        _dom0 = _machine.AddDom0();
        _guest = _machine.AddDomain(GuestId, pages: 256);
        _guest.Domain.Memory.MaxPages = 1 << 20;
        _guest.ShowTable();
        _guest.Grant(9, 0, 30);
    }

    [Theory]
    [InlineData("populate")]
    [InlineData("populate a block")]
    [InlineData("decrease")]
    [InlineData("remove")]
    [InlineData("add")]
    [InlineData("map foreign")]
    [InlineData("memory type")]
    [InlineData("map a grant")]
    [InlineData("copy a grant")]
    [InlineData("in a multicall")]
    public void AFaultInAnOperationAboutAnotherDomainIsThatDomains(string operation)
    {
        _guest.P2m.IsBroken = true;
        Assert.Throws<InvalidOperationException>(() => Perform(_dom0, operation));
        Assert.Same(_guest.Domain, _machine.Cpu().Subject);
    }

    [Theory]
    [InlineData("populate")]
    [InlineData("map foreign")]
    [InlineData("memory type")]
    [InlineData("map a grant")]
    [InlineData("copy a grant")]
    [InlineData("in a multicall")]
    public void NothingOfItIsLeftBehindACall(string operation)
    {
        Perform(_dom0, operation);
        Assert.Null(_machine.Cpu().Subject);
    }

    [Fact]
    public void TheNextCallOfAMulticallIsNotAboutThatDomain()
    {
        _dom0.WriteWords(List, 0x100, 0x200);
        _dom0.WriteWords(At, List, 1, 0, GuestId);
        _dom0.WriteWords(At + 64, List, 1, 0, DomainIds.Self);
        _dom0.WriteWords(Calls, Memory, 0, Populate, At);
        _dom0.WriteWords(Calls + 64, Memory, 0, Decrease, At + 64);
        _dom0.P2m.IsBroken = true;
        Assert.Throws<InvalidOperationException>(() => _dom0.Hypercall(Multicall, Calls, 2));
        Assert.Null(_machine.Cpu().Subject);
    }

    /// <summary>The operations that do not use the domain's memory: something of the domain itself is not there.</summary>
    [Theory]
    [InlineData("send", "EventChannels")]
    [InlineData("bind", "EventChannels")]
    [InlineData("close", "EventChannels")]
    [InlineData("status", "EventChannels")]
    [InlineData("allocate", "EventChannels")]
    [InlineData("reset", "EventChannels")]
    [InlineData("list", "Vcpus")]
    [InlineData("info of the next", "Vcpus")]
    [InlineData("remote shutdown", "Vcpus")]
    [InlineData("debug key e", "EventChannels")]
    [InlineData("debug key g", "Grants")]
    [InlineData("debug key q", "Vcpus")]
    [InlineData("debug key v", "Vcpus")]
    public void AFaultOutsideMemoryIsThatDomainsToo(string operation, string broken)
    {
        Connect();
        Break(_guest.Domain, broken);
        Assert.ThrowsAny<Exception>(() => Control(operation));
        Assert.Same(_guest.Domain, _machine.Cpu().Subject);
    }

    [Theory]
    [InlineData("send")]
    [InlineData("bind")]
    [InlineData("close")]
    [InlineData("status")]
    [InlineData("allocate")]
    [InlineData("reset")]
    [InlineData("list")]
    [InlineData("info of the next")]
    [InlineData("remote shutdown")]
    [InlineData("debug key e")]
    [InlineData("debug key g")]
    [InlineData("debug key q")]
    [InlineData("debug key v")]
    public void NothingIsLeftOfThoseEither(string operation)
    {
        Connect();
        Assert.Equal(0, Control(operation));
        Assert.Null(_machine.Cpu().Subject);
    }

    [Fact]
    public void AGuestThatSendsToDom0PaysForItself()
    {
        Connect();
        Break(_dom0.Domain, "EventChannels");
        Assert.ThrowsAny<Exception>(() => _guest.Call((Vcpu caller, in HypercallArguments _)
            => caller.Domain.EventChannels.SendLocal(1, caller.Processor), 0, 0));
        Assert.Null(_machine.Cpu().Subject);
    }

    // dom0's port 1 leads to the guest's port 1; the guest's port 2 waits for dom0, and dom0 has pauses of the guest to give.
    private void Connect()
    {
        Cpu cpu = _machine.Cpu();
        HypercallContinuation budget = new() { Budget = 1000 };
        Assert.Equal(1, _guest.Domain.EventChannels.AllocateUnbound(_guest.Domain, 0, ref budget, cpu));
        Assert.Equal(2, _guest.Domain.EventChannels.AllocateUnbound(_guest.Domain, 0, ref budget, cpu));
        Assert.Equal(1, _dom0.Domain.EventChannels.BindInterdomain(_guest.Domain.EventChannels, 1, ref budget, cpu));
        Assert.Equal(0, _machine.Host.Scheduler.PauseByController(_guest.Domain, cpu));
    }

    private long Control(string operation)
    {
        const ulong eventChannel = 32, scheduling = 29;
        switch (operation)
        {
            case "send":
                _dom0.WriteWords(At, 1);
                return _dom0.Hypercall(eventChannel, 4, At);
            case "bind":
                _dom0.WriteWords(At, GuestId | (2UL << 32));
                return _dom0.Hypercall(eventChannel, 0, At);
            case "close":
                _dom0.WriteWords(At, 1);
                return _dom0.Hypercall(eventChannel, 3, At);
            case "status":
                _dom0.WriteWords(At, GuestId | (1UL << 32));
                return _dom0.Hypercall(eventChannel, 5, At);
            case "allocate":
                _dom0.WriteWords(At, GuestId);
                return _dom0.Hypercall(eventChannel, 6, At);
            case "reset":
                _dom0.WriteWords(At, GuestId);
                return _dom0.Hypercall(eventChannel, 10, At);
            case "remote shutdown":
                _dom0.WriteWords(At, GuestId);
                return _dom0.Hypercall(scheduling, 4, At);
            case "list":
                _dom0.WriteWords(At, 6 | ((ulong)SysctlOp.InterfaceVersion << 32), 8UL << 32, List);
                return _dom0.Hypercall(Sysctl, At);
            case "info of the next":
                _dom0.WriteWords(At, 5 | ((ulong)DomctlOp.InterfaceVersion << 32), 1);
                return _dom0.Hypercall(Domctl, At);
            default:
                _dom0.WriteWords(List, operation[^1]);
                _dom0.WriteWords(At, 7 | ((ulong)SysctlOp.InterfaceVersion << 32), List, 1);
                return _dom0.Hypercall(Sysctl, At);
        }
    }

    // Takes a part of the domain away, as no guest can.
    private static void Break(Domain domain, string part)
    {
        const BindingFlags hidden = BindingFlags.Instance | BindingFlags.NonPublic;
        if (part == "EventChannels")
            typeof(EventChannelTable).GetField("_ports", hidden)!.SetValue(domain.EventChannels, null);
        else
            typeof(Domain).GetField(part == "Vcpus" ? "_vcpus" : $"<{part}>k__BackingField", hidden)!.SetValue(domain, null);
    }

    [Fact]
    public void AGuestPaysForItself()
    {
        _dom0.ShowTable();
        _dom0.Grant(9, GuestId, 30);
        _dom0.P2m.IsBroken = true;
        Assert.Throws<InvalidOperationException>(() => _guest.Map(0, 9, 40));
        Assert.Null(_machine.Cpu().Subject);
    }

    private static void Perform(TestDomain dom0, string operation)
    {
        dom0.WriteWords(List, 0x2000);
        switch (operation)
        {
            case "populate" or "populate a block" or "decrease":
                dom0.WriteWords(At, List, 1, operation == "populate a block" ? 9UL : 0, GuestId);
                dom0.Hypercall(Memory, operation == "decrease" ? Decrease : Populate, At);
                break;
            case "remove":
                dom0.WriteWords(At, GuestId, 9);
                dom0.Hypercall(Memory, RemoveFromMap, At);
                break;
            case "add":
                dom0.WriteWords(At, GuestId | (2UL << 32), 5, 6);
                dom0.Hypercall(Memory, AddToMap, At);
                break;
            case "map foreign":
                dom0.WriteWords(List, 5, 0x3000);
                dom0.WriteWords(At, DomainIds.Self | (4UL << 16) | (1UL << 32) | ((ulong)GuestId << 48), List, List + 8, Errors);
                Assert.Equal(0, dom0.Hypercall(Memory, AddBatch, At));
                break;
            case "memory type":
                dom0.WriteWords(At, GuestId, 5);
                dom0.Hypercall(Hvm, 15, At);
                break;
            case "map a grant":
                dom0.Write(At, new GrantTableMapGrantRef { HostAddress = 0x3000UL << 12, Flags = GrantMapFlags.HostMap, Ref = 9, Domain = GuestId });
                dom0.Hypercall(Grants, 0, At, 1);
                break;
            case "copy a grant":
                dom0.Write(At, new GrantTableCopy
                {
                    Source = new GrantTableCopyPointer { U = 9, DomainId = GuestId },
                    Destination = new GrantTableCopyPointer { U = 7, DomainId = DomainIds.Self },
                    Length = 8,
                    Flags = GrantCopyFlags.SourceGrantRef,
                });
                dom0.Hypercall(Grants, 5, At, 1);
                break;
            default:
                dom0.WriteWords(At, List, 1, 0, GuestId);
                dom0.WriteWords(Calls, Memory, 0, Populate, At);
                dom0.Hypercall(Multicall, Calls, 1);
                break;
        }
    }
}
