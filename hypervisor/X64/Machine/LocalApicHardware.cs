// SPDX-License-Identifier: MIT
// This CPU's local APIC: interrupts between CPUs and the timer (AMD APM vol. 2, chapter 16).

using XenSharp.X64.Paging;
using XenSharp.X64.Runtime;

namespace XenSharp.X64.Machine;

/// <summary>xAPIC by its page of registers, x2APIC by MSRs where the CPU has it.</summary>
// SAFETY: the registers' page is mapped uncached at boot; accesses are volatile words at the manual's offsets.
internal static unsafe class LocalApicHardware
{
    public const int TimerVector = 0xf0, KickVector = 0xf1, ErrorVector = 0xf2, IommuVector = 0xf3, SpuriousVector = 0xff;
    private const int Id = 0x20, Eoi = 0xb0, Spurious = 0xf0, InterruptCommandLow = 0x300, InterruptCommandHigh = 0x310;
    private const int TimerEntry = 0x320, ErrorEntry = 0x370, Lint0 = 0x350, Lint1 = 0x360, TimerInitial = 0x380, TimerCurrent = 0x390, TimerDivide = 0x3e0;
    private const int TaskPriority = 0x80;

    private static byte* s_registers;
    private static bool s_isX2Apic;

    /// <summary>Timer ticks per second with divider 1.</summary>
    public static ulong TimerFrequencyHz { get; set; }

    public static bool IsX2Apic => s_isX2Apic;

    /// <summary>Maps the registers (boot CPU).</summary>
    public static void Map(bool useX2Apic)
    {
        s_isX2Apic = useX2Apic;
        if (!useX2Apic)
            s_registers = HostPageTables.MapDevice(Assembly.ReadMsr(Msr.ApicBase) & 0x000f_ffff_ffff_f000, 4096);
    }

    /// <summary>Enables the APIC of the calling CPU with everything but NMI masked.</summary>
    public static void Enable()
    {
        ulong apicBase = Assembly.ReadMsr(Msr.ApicBase);
        // From off straight to x2APIC is no legal step.
        if ((apicBase & 0x800) == 0 || !s_isX2Apic)
            Assembly.WriteMsr(Msr.ApicBase, apicBase | 0x800);
        if (s_isX2Apic)
            Assembly.WriteMsr(Msr.ApicBase, apicBase | 0xc00);
        Write(TaskPriority, 0);
        Write(TimerEntry, 0x10000);
        Write(Lint0, 0x10000);
        Write(Lint1, 0x400);
        Write(ErrorEntry, ErrorVector);
        Write(TimerDivide, 0xb);
        Write(Spurious, 0x100 | SpuriousVector);
        Write(TimerEntry, TimerVector);
    }

    public static uint ReadId() => s_isX2Apic ? Read(Id) : Read(Id) >> 24;

    public static void EndOfInterrupt() => Write(Eoi, 0);

    /// <summary>A write of the task priority, as it is, makes the APIC compare it with what is requested.</summary>
    public static void TellAgain() => Write(TaskPriority, 0);

    /// <summary>Starts the one-shot timer; 0 stops it.</summary>
    public static void StartTimer(uint ticks) => Write(TimerInitial, ticks);

    public static uint ReadTimer() => Read(TimerCurrent);

    public static void SendFixed(uint apicId, int vector) => SendCommand(apicId, (uint)vector);

    public static void SendNmi(uint apicId) => SendCommand(apicId, 0x400);

    public static void SendInit(uint apicId) => SendCommand(apicId, 0x4500);

    public static void SendStartup(uint apicId, byte page) => SendCommand(apicId, 0x4600u | page);

    private static void SendCommand(uint apicId, uint command)
    {
        if (s_isX2Apic)
        {
            // Unlike a store to the page, this WRMSR does not wait for earlier stores (AMD APM vol. 2, 16.11).
            System.Threading.Interlocked.MemoryBarrier();
            Assembly.WriteMsr(0x830, ((ulong)apicId << 32) | command);
            return;
        }

        Write(InterruptCommandHigh, apicId << 24);
        Write(InterruptCommandLow, command);
        for (int spin = 0; spin < 100_000 && (Read(InterruptCommandLow) & 0x1000) != 0; spin++)
            Assembly.Pause();
    }

    private static uint Read(int register) =>
        s_isX2Apic ? (uint)Assembly.ReadMsr(0x800 + ((uint)register >> 4)) : System.Threading.Volatile.Read(ref *(uint*)(s_registers + register));

    private static void Write(int register, uint value)
    {
        if (s_isX2Apic)
            Assembly.WriteMsr(0x800 + ((uint)register >> 4), value);
        else
            System.Threading.Volatile.Write(ref *(uint*)(s_registers + register), value);
    }
}
