// SPDX-License-Identifier: MIT
// A machine for tests: memory, processors and a Host, with domains added as needed.

using System.Collections.Generic;
using XenSharp.Core;
using XenSharp.Core.Options;
using XenSharp.Edge;

namespace XenSharp.Testing;

/// <summary>
/// <c>var machine = new TestHost(processors: 2); TestDomain guest = machine.AddDomain(1, vcpus: 2);</c>
/// </summary>
public sealed class TestHost
{
    // The first frames stay reserved, as on a real machine; a frame number of 0 never names memory in use.
    private const ulong FirstFreeFrame = 16;

    public TestHost(ulong frames = 16384, int processors = 1)
    {
        Platform = new VirtualPlatform();
        Memory = new ArrayMemory(frames);
        Frames = new HostFrameTable(frames);
        Host = new Host(Platform, Memory, Frames, new BootOptions());
        for (int i = 0; i < processors; i++)
            Host.Add(new Cpu(Host, i));
        Platform.BootProcessor = Host.Processors[0];
        VirtualPlatform.Running = null;
        Host.Console.BootProcessor = Host.Processors[0];
        Host.Clock.Start(0, VirtualPlatform.TscFrequencyHz);
        Host.Allocator.AddRange(new Mfn(FirstFreeFrame), frames - FirstFreeFrame);
        Host.Allocator.TotalPages = frames - FirstFreeFrame;
        Host.Regions = Regions;
        Host.Guests = new TestGuestFactory(Host);
    }

    public Host Host { get; }

    public VirtualPlatform Platform { get; }

    public ArrayMemory Memory { get; }

    public HostFrameTable Frames { get; }

    /// <summary>Counts the objects of domains that are created by hypercalls.</summary>
    public HostRegions Regions { get; } = new();

    public List<TestDomain> Domains { get; } = [];

    public Cpu Cpu(int id = 0) => Host.Processors[id]!;

    /// <summary>Domain 0, with all privileges.</summary>
    public TestDomain AddDom0(int vcpus = 1, ulong pages = 256)
    {
        TestDomain dom0 = AddDomain(0, vcpus, pages, isPrivileged: true);
        Host.HardwareDomain = dom0.Domain;
        return dom0;
    }

    public TestDomain AddDomain(ushort id, int vcpus = 1, ulong pages = 256, bool isPrivileged = false, uint maxPort = uint.MaxValue, uint maxMaptrackFrames = 1024)
    {
        var domain = new TestDomain(this, id, vcpus, pages, isPrivileged, maxPort, maxMaptrackFrames);
        Domains.Add(domain);
        return domain;
    }

    /// <summary>Lets every processor choose what it runs, and until nobody waits for the end of the processors' entries.</summary>
    public void Schedule()
    {
        TakeTurns();
        for (int i = 0; i < 100 && SomebodyWaits(); i++)
            TakeTurns();
    }

    private bool SomebodyWaits()
    {
        for (int i = 0; i < Host.ProcessorCount; i++)
        {
            if ((Cpu(i).Pending & (PendingWork.Quiescence | PendingWork.Reap)) != 0)
                return true;
        }

        return false;
    }

    private void TakeTurns()
    {
        for (int i = 0; i < Host.ProcessorCount; i++)
        {
            Processor? before = VirtualPlatform.Running;
            VirtualPlatform.Running = Cpu(i);
            Turn(Cpu(i));
            VirtualPlatform.Running = before;
        }
    }

    /// <summary>One turn of a processor's loop, without the guest: pending work, and the scheduler's choice.</summary>
    public void Turn(Cpu processor)
    {
        PendingWork work = processor.TakePending();
        if ((work & PendingWork.Quiescence) != 0)
            Host.GracePeriods.Pass(processor);
        if ((work & (PendingWork.Quiescence | PendingWork.Reap)) != 0)
            Host.Reaper.Run(processor);
        Host.Scheduler.Schedule(processor);
        Host.Scheduler.ContextSaved(processor);
    }

    /// <summary>Lets virtual time pass; timers that come due run on their processors.</summary>
    public void Advance(ulong nanoseconds)
    {
        Platform.NowNs += nanoseconds;
        for (int i = 0; i < Host.ProcessorCount; i++)
        {
            Processor? before = VirtualPlatform.Running;
            VirtualPlatform.Running = Cpu(i);
            Cpu(i).Timers.Run();
            VirtualPlatform.Running = before;
        }
    }
}
