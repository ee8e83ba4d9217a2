// SPDX-License-Identifier: MIT
// A domain for tests: its memory from guest frame 0 on, its vCPUs without paging, so that a guest address is a guest-physical one.

using System;
using XenSharp.Core;
using XenSharp.Core.Domains;
using XenSharp.Core.Hypercalls;
using XenSharp.Core.Vcpus;
using XenSharp.Devices.Apic;
using XenSharp.Edge;

namespace XenSharp.Testing;

/// <summary>A handler of the dispatch table.</summary>
public delegate long HypercallHandler(Vcpu caller, in HypercallArguments arguments);

public sealed class TestDomain
{
    // Guest page 0 is the scratch page of hypercall arguments.
    private ulong _nextPage = 1;

    internal TestDomain(TestHost machine, ushort id, int vcpus, ulong pages, bool isPrivileged, uint maxPort, uint maxMaptrackFrames)
    {
        Machine = machine;
        Host host = machine.Host;
        var settings = new DomainSettings
        {
            MaxVcpus = vcpus,
            IsControl = isPrivileged,
            IsHardware = isPrivileged,
            MaxEventChannelPort = maxPort,
            MaxPages = pages,
            MaxMaptrackFrames = maxMaptrackFrames,
        };
        P2m = new DictionaryP2m(1UL << 28);
        Domain = new Domain(host, id, settings, P2m);
        Cpu cpu = machine.Cpu();
        if (!host.Allocator.TryAllocate(0, cpu, out Mfn shared))
            throw new InvalidOperationException("no memory for the shared-info page");
        host.Memory.Clear(shared);
        Domain.SharedInfo = shared;
        for (ulong gfn = 0; gfn < pages; gfn++)
        {
            if (!Domain.Memory.TryAllocateGuest(0, cpu, out Mfn frame))
                throw new InvalidOperationException("no memory for guest page " + gfn);
            host.Memory.Clear(frame);
            P2m.Set(new Gfn(gfn), frame, 0, P2mType.Ram);
        }

        if (!Domain.EventChannels.Initialize())
            throw new InvalidOperationException("no memory for event channels");
        for (uint i = 0; i < (uint)vcpus; i++)
        {
            var apicHost = new VcpuApicHost();
            var vcpu = new Vcpu(Domain, i, new FakeVcpuContext(), new LocalApic((int)i, apicHost));
            apicHost.Attach(vcpu);
            Domain.Vcpus[(int)i] = vcpu;
            VcpuInfoArea.Reset(vcpu);
            host.Scheduler.Add(vcpu, cpu);
            vcpu.IsInitialised = true;
            host.Scheduler.VcpuUp(vcpu, cpu);
        }

        host.Domains.Add(Domain);
    }

    public TestHost Machine { get; }

    public Domain Domain { get; }

    public DictionaryP2m P2m { get; }

    public Vcpu Vcpu(int id = 0) => Domain.Vcpus[id]!;

    public FakeVcpuContext Context(int vcpu = 0) => (FakeVcpuContext)Vcpu(vcpu).Context;

    /// <summary>The guest frame number of the next of so many unused pages.</summary>
    public ulong TakePages(int count = 1)
    {
        ulong first = _nextPage;
        _nextPage += (ulong)count;
        return first;
    }

    public Mfn Frame(ulong gfn) => P2m.Lookup(new Gfn(gfn)).Frame;

    /// <summary>The bytes of a guest page as the guest sees them.</summary>
    public Span<byte> Page(ulong gfn) => Machine.Memory.Bytes(Frame(gfn));

    public Span<byte> SharedInfo => Machine.Memory.Bytes(Domain.SharedInfo);

    /// <summary>Struct vcpu_info, wherever the guest has put it.</summary>
    public Span<byte> VcpuInfo(int vcpu = 0)
    {
        GuestArea info = Vcpu(vcpu).Info;
        return Machine.Memory.Bytes(info.Frame).AsSpan(info.Offset, 64);
    }

    /// <summary>Puts a structure into guest memory; it must not cross a page.</summary>
    public void Write<T>(ulong address, in T value) where T : unmanaged =>
        AbiBytes.OfReadOnly(in value).CopyTo(Page(address >> 12).Slice((int)(address & 0xfff)));

    public T Read<T>(ulong address) where T : unmanaged
    {
        T value = default;
        Page(address >> 12).Slice((int)(address & 0xfff), AbiBytes.SizeOf<T>()).CopyTo(AbiBytes.Of(ref value));
        return value;
    }

    /// <summary>Makes a hypercall, repeated as long as it asks for that.</summary>
    public long Call(HypercallHandler handler, int vcpu, ulong first, ulong second = 0, ulong third = 0, ulong fourth = 0, ulong fifth = 0)
    {
        Vcpu caller = Vcpu(vcpu);
        var arguments = new HypercallArguments { First = first, Second = second, Third = third, Fourth = fourth, Fifth = fifth };
        for (int round = 0; round < 1_000_000; round++)
        {
            caller.Continuation.Budget = HypercallContinuation.InitialBudget;
            caller.Continuation.IsRequested = false;
            long result = handler(caller, in arguments);
            if (!caller.Continuation.IsRequested)
                return result;
            Continuations++;
            arguments = caller.Continuation.Arguments;
        }

        throw new InvalidOperationException("the hypercall never ends");
    }

    /// <summary>Hypercalls that were continued.</summary>
    public int Continuations { get; private set; }

    /// <summary>Makes a hypercall whose second argument is a structure; it is copied back.</summary>
    public long Call<T>(HypercallHandler handler, uint command, ref T structure, int vcpu = 0) where T : unmanaged
    {
        ulong address = (ulong)vcpu * 64 % 4096;
        Write(address, in structure);
        long result = Call(handler, vcpu, command, address);
        structure = Read<T>(address);
        return result;
    }
}
