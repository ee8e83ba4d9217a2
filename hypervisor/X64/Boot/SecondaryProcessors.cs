// SPDX-License-Identifier: MIT
// Bringing up the CPUs other than the one that boots (Intel MP specification 1.4, appendix B.4).

using System;
using System.Runtime;
using System.Threading;
using XenSharp.Core;
using XenSharp.Edge;
using XenSharp.X64.Machine;
using XenSharp.X64.Paging;
using XenSharp.X64.Runtime;

namespace XenSharp.X64.Boot;

// SAFETY: the trampoline page is reserved below 1 MiB; parameters are written before the CPU is started.
internal static unsafe class SecondaryProcessors
{
    private static PerCpu* s_starting;
    private static int s_mayRun;

    /// <summary>Copies the trampoline below 1 MiB; returns its address or 0.</summary>
    public static ulong Prepare()
    {
        ulong page = EarlyMemory.AllocateLowPage();
        if (page == 0)
            return 0;
        ulong source = Assembly.Trampoline();
        int length = (int)(Assembly.TrampolineEnd() - source);
        new ReadOnlySpan<byte>((void*)source, length).CopyTo(new Span<byte>(DirectMap.At(page), length));
        return page;
    }

    /// <summary>Starts one CPU; false when it does not answer within a second.</summary>
    public static bool StartOne(ulong page, PerCpu* block)
    {
        ulong* parameters = (ulong*)(DirectMap.At(page) + (Assembly.TrampolineParameters() - Assembly.Trampoline()));
        parameters[0] = HostPageTables.Translate(Assembly.BootPageTable());
        parameters[1] = HostPageTables.Root;
        parameters[2] = block->StackTop;
        s_starting = block;
        LocalApicHardware.SendInit(block->ApicId);
        Wait(10_000_000);
        for (int attempt = 0; attempt < 2; attempt++)
        {
            LocalApicHardware.SendStartup(block->ApicId, (byte)(page >> 12));
            ulong deadline = Root.Host.Clock.Now + 500_000_000;
            while (Root.Host.Clock.Now < deadline)
            {
                if (Volatile.Read(ref block->IsOnline) != 0)
                    return true;
                Assembly.Pause();
            }
        }

        return false;
    }

    /// <summary>Lets all started CPUs enter their loops.</summary>
    public static void Release() => Volatile.Write(ref s_mayRun, 1);

    [RuntimeExport("xs_secondary_start")]
    private static void Start()
    {
        PerCpu* block = s_starting;
        CpuFeatures.Enable();
        DescriptorTables.Load(block);
        LocalApicHardware.Enable();
        SvmSetup.Enable(block);
        Volatile.Write(ref block->IsOnline, 1);
        while (Volatile.Read(ref s_mayRun) == 0)
            Assembly.Pause();
        Assembly.RunOnStack(block->StackTop, Assembly.RunLoopEntry());
    }

    private static void Wait(ulong ns)
    {
        ulong end = Root.Host.Clock.Now + ns;
        while (Root.Host.Clock.Now < end)
            Assembly.Pause();
    }
}
