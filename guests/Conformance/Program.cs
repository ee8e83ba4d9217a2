// SPDX-License-Identifier: MIT
// The probe: calls every operation of the hypercall interface with right and wrong arguments as a PVH dom0 and prints what
// came back. Run on real Xen its output is the golden file; run on ours it is compared with that. The first word of the
// command line selects: `probe`, `cpuid` (CPUID leaves and MSRs), `platform` (start info, memory map, ACPI tables),
// `narrow`, `narrow-foreign` and `narrow-control` (the same as a 32-bit kernel makes the calls), `foreign`, `control` and `debugger` (another domain's memory, what a toolstack does to it, what a debugger does).

using System.Runtime;

namespace XenSharp.Guests.Conformance;

internal static class Program
{
    private static void Main() { }

    [RuntimeExport("xs_guest_main")]
    private static void Run()
    {
        Hypercall.Trace(StartInfo.Has("trace"u8));
        Report.Line("== begin"u8);
        bool isNarrow = StartInfo.Has("narrow"u8) || StartInfo.Has("narrow-foreign"u8) || StartInfo.Has("narrow-control"u8);
        if (isNarrow)
            Hypercall.MakeNarrow();
        if (StartInfo.Has("cpuid"u8))
            CpuidTests.Run();
        else if (StartInfo.Has("foreign"u8) || StartInfo.Has("narrow-foreign"u8))
            OtherDomainMemory.Run();
        else if (StartInfo.Has("control"u8) || StartInfo.Has("narrow-control"u8))
            OtherDomain.Run();
        else if (StartInfo.Has("debugger"u8))
            OtherDomainDebugger.Run();
        else if (StartInfo.Has("platform"u8))
            PlatformReport.Run();
        else
            RunProbe(isNarrow);
        Report.Line("== end"u8);
        Machine.End();
    }

    private static void RunProbe(bool isNarrow)
    {
        if (isNarrow)
            NarrowTests.Run();
        CallingTests.Run();
        VersionTests.Run();
        ConsoleTests.Run();
        MemoryTests.Run();
        EventTests.Run();
        TimerTests.Run();
        SchedulerTests.Run();
        VcpuTests.Run();
        FifoTests.Run();
        AssistTests.Run();
        HvmTests.Run();
        MulticallTests.Run();
        GrantTests.Run();
        PhysdevTests.Run();
        PlatformTests.Run();
        HypfsTests.Run();
        SysctlTests.Run();
        DomctlTests.Run();
        OtherTests.Run();
    }
}
