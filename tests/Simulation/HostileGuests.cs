// SPDX-License-Identifier: MIT
// Guests that make any hypercall with any arguments: nothing faults, no call works without bound, and every frame is accounted for.

using System;
using System.Collections.Generic;
using XenSharp.Core;
using XenSharp.Core.Hypercalls;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Simulation;

public class HostileGuests
{
    /// <summary>XENSHARP_CALLS, XENSHARP_SEEDS and XENSHARP_FIRST_SEED change how much is tried: to look for more, or for the call that went wrong.</summary>
    private static readonly int Calls = Asked("XENSHARP_CALLS", 6000);

    /// <summary>Atomic operations and memory accesses that one piece of a hypercall may make; the budget of work units allows less.</summary>
    private const long PointsPerCall = 300_000;

    /// <summary>Numbers with a handler, the interesting ones more often.</summary>
    private static readonly byte[] Numbers = [7, 12, 12, 12, 12, 13, 13, 15, 17, 18, 20, 20, 20, 21, 24, 24, 24, 26, 27, 29, 29, 32, 32, 32, 32, 33, 34, 34, 35, 36, 40, 41, 42];

    public static TheoryData<int> Seeds()
    {
        var seeds = new TheoryData<int>();
        int first = Asked("XENSHARP_FIRST_SEED", 1);
        int count = Asked("XENSHARP_SEEDS", 10);
        for (int seed = first; seed < first + count; seed++)
            seeds.Add(seed);
        return seeds;
    }

    private static int Asked(string name, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(name), out int asked) ? asked : otherwise;

    [Theory]
    [MemberData(nameof(Seeds))]
    public void UnprivilegedGuestCannotHarm(int seed) => Run(seed, dom0IsHostile: false);

    [Theory]
    [MemberData(nameof(Seeds))]
    public void ConfusedDom0CannotFault(int seed) => Run(seed + 100_000, dom0IsHostile: true);

    private static void Run(int seed, bool dom0IsHostile)
    {
        var random = new Random(seed);
        var machine = new TestHost(frames: 8192, processors: 2);
        TestDomain dom0 = machine.AddDom0(vcpus: 2, pages: 64);
        TestDomain guest = machine.AddDomain(5, vcpus: 3, pages: 64);
        TestDomain other = machine.AddDomain(6, vcpus: 1, pages: 64);
        TestDomain[] hostile = dom0IsHostile ? [dom0, guest, other] : [guest, other];
        var counter = new PointCounter();
        SwitchPoint.Current = counter;
        string what = "start";
        try
        {
            for (int i = 0; i < Calls; i++)
            {
                TestDomain caller = hostile[random.Next(hostile.Length)];
                what = "seed " + seed + ", call " + i + ", " + Call(machine, caller, random, counter);
                if (i % 16 == 0)
                    LetTimePass(machine, random);
            }
        }
        catch (MachineStoppedException) when (dom0IsHostile)
        {
            // Dom0 may switch the machine off.
            return;
        }
        catch (Exception failure) when (failure is not Xunit.Sdk.XunitException)
        {
            throw new InvalidOperationException("fault after " + what + " in " + Describe(machine), failure);
        }
        finally
        {
            SwitchPoint.Current = null;
        }

        foreach (Cpu? cpu in machine.Host.Processors)
            Assert.True(cpu == null || cpu.Held.Count == 0, what + ": a lock is still held");
        CheckFrames(machine, what);
    }

    [ThreadStatic]
    private static string? last;

    private static string Describe(TestHost machine) => (last ?? "nothing") + "; console:\n" + Tail(machine.Platform.ConsoleText);

    private static string Tail(string text) => text.Length > 600 ? text.Substring(text.Length - 600) : text;

    // One hypercall with all its continuations, from whichever vCPU.
    private static string Call(TestHost machine, TestDomain domain, Random random, PointCounter counter)
    {
        var noise = new GuestNoise(domain, random);
        noise.Scribble();
        Vcpu vcpu = domain.Vcpu(random.Next(domain.Domain.Vcpus.Length));
        VcpuContext context = vcpu.Context;
        context.Rax = random.Next(40) == 0 ? noise.Word() : Numbers[random.Next(Numbers.Length)];
        context.Rdi = random.Next(3) == 0 ? noise.Word() : (ulong)random.Next(32);
        context.Rsi = random.Next(2) == 0 ? noise.Address() : noise.Word();
        context.Rdx = random.Next(2) == 0 ? noise.Address() : noise.Word();
        context.R10 = noise.Word();
        context.R8 = noise.Word();
        // A dom0 that ends the machine at once would leave nothing to test.
        if (domain.Domain.IsHardware && context.Rax == 29 && context.Rdi is 2 or 4 or 6)
            context.Rdi = 0;
        string what = $"d{domain.Domain.Id}v{vcpu.Id} call {context.Rax}({context.Rdi:x}, {context.Rsi:x}, {context.Rdx:x}, {context.R10:x}, {context.R8:x})";
        last = what;
        VirtualPlatform.Running = vcpu.Processor;
        for (int round = 0; ; round++)
        {
            Assert.True(round < 20_000, what + " never ends");
            counter.Count = 0;
            bool again = HypercallTable.Dispatch(vcpu);
            Assert.True(counter.Count < PointsPerCall, what + " worked through " + counter.Count + " points at once");
            Assert.True(vcpu.Processor.Held.Count == 0, what + " kept a lock");
            if (!again)
                break;
        }

        VirtualPlatform.Running = null;
        return what;
    }

    private static void LetTimePass(TestHost machine, Random random)
    {
        machine.Advance((ulong)random.Next(20_000_000));
        machine.Schedule();
    }

    /// <summary>
    /// Every frame that a domain owns has a reference for being allocated, if the domain still has it, one per mapping elsewhere and one per use by
    /// the hypervisor; nothing is mapped that has none.
    /// </summary>
    private static void CheckFrames(TestHost machine, string what)
    {
        foreach (TestDomain domain in machine.Domains)
        {
            domain.Domain.IsDying = true;
            uint next = 0;
            HypercallContinuation budget = default;
            do
                budget.Budget = HypercallContinuation.InitialBudget;
            while (!domain.Domain.EventChannels.Destroy(ref next, ref budget, machine.Cpu()));
            foreach (Vcpu? vcpu in domain.Domain.Vcpus)
                VcpuInfoArea.Unregister(vcpu!, machine.Cpu());
        }

        var mapped = new Dictionary<ulong, int>();
        var mappedByOwner = new HashSet<ulong>();
        foreach (TestDomain domain in machine.Domains)
        {
            foreach ((Gfn gfn, P2mEntry entry) in domain.P2m.Mappings)
            {
                for (ulong i = 0; i < 1UL << entry.Order; i++)
                {
                    Mfn frame = entry.Frame + i;
                    if (entry.Type == P2mType.Direct)
                        continue;
                    Assert.True(machine.Frames[frame].State != FrameState.Free, $"{what}: d{domain.Domain.Id} gfn {gfn.Value + i:x} maps the free frame {frame.Value:x}");
                    mapped[frame.Value] = mapped.GetValueOrDefault(frame.Value) + 1;
                    if (machine.Frames[frame].Owner == domain.Domain.Id)
                        mappedByOwner.Add(frame.Value);
                }
            }
        }

        foreach (TestDomain domain in machine.Domains)
        {
            ulong owned = 0;
            for (ulong i = 0; i < machine.Memory.FrameLimit; i++)
            {
                FrameInfo info = machine.Frames[new Mfn(i)];
                if (domain.Domain.Memory.KeepsRun(new Mfn(i), (ulong)info.References))
                {
                    owned += (ulong)info.References;
                    i += (ulong)info.References - 1;
                    continue;
                }

                if (info.State != FrameState.Domain || info.Owner != domain.Domain.Id)
                    continue;
                owned++;

                // XENMEM_remove_from_physmap leaves a frame allocated to a domain that no longer maps it.
                int mappings = mapped.GetValueOrDefault(i);
                bool isRight = info.References == mappings || (info.References == mappings + 1 && !mappedByOwner.Contains(i));
                Assert.True(isRight, isRight ? null : $"{what}: frame {i:x} of d{domain.Domain.Id} has {info.References} references and {mappings} mappings");
            }

            Assert.True(owned == domain.Domain.Memory.Pages, $"{what}: d{domain.Domain.Id} is charged {domain.Domain.Memory.Pages} pages and has {owned}");
            Assert.True(owned <= domain.Domain.Memory.MaxPages, $"{what}: d{domain.Domain.Id} has more pages than it may");
        }

        foreach (TestDomain domain in machine.Domains)
            End(domain.Domain, machine.Cpu());
        foreach (TestDomain domain in machine.Domains)
            Assert.True(domain.Domain.Memory.Pages == 0, $"{what}: d{domain.Domain.Id} has left {domain.Domain.Memory.Pages} pages behind");
    }

    private static void End(Core.Domains.Domain domain, Cpu cpu)
    {
        HypercallContinuation budget = default;
        do
            budget.Budget = HypercallContinuation.InitialBudget;
        while (!domain.Grants.Destroy(ref budget, cpu) || !Core.Domains.Physmap.Destroy(domain, ref budget, cpu));
    }

    private sealed class PointCounter : CpuSwitcher
    {
        public long Count { get; set; }

        public override void Reached(bool spinning)
        {
            Count++;
            if (spinning)
                throw new InvalidOperationException("a CPU waits for a lock that nobody else can hold");
        }
    }
}
