// SPDX-License-Identifier: MIT
// Exceptions in the hypervisor itself: each one costs the guest that was served if that is sound, else the host.

using System.Runtime;
using XenSharp.Core;
using XenSharp.Core.Console;
using XenSharp.Core.Domains;
using XenSharp.Core.Hypercalls;
using XenSharp.Core.Interrupts;
using XenSharp.Core.Vcpus;
using XenSharp.X64.Runtime;

namespace XenSharp.X64.Machine;

/// <summary>What Native/trap.S leaves on the stack.</summary>
internal struct TrapFrame
{
    public ulong R15;
    public ulong R14;
    public ulong R13;
    public ulong R12;
    public ulong R11;
    public ulong R10;
    public ulong R9;
    public ulong R8;
    public ulong Rdi;
    public ulong Rsi;
    public ulong Rbp;
    public ulong Rbx;
    public ulong Rdx;
    public ulong Rcx;
    public ulong Rax;
    public ulong Vector;
    public ulong ErrorCode;
    public ulong Rip;
    public ulong Cs;
    public ulong Rflags;
    public ulong Rsp;
    public ulong Ss;
}

// SAFETY: the frame lies on the current stack until the handler returns or abandons the entry.
internal static unsafe class TrapHandler
{
    private const int NonMaskable = 2, DoubleFault = 8, GeneralProtection = 13, MachineCheck = 18, ManagedFault = 256;

    [RuntimeExport("xs_trap")]
    private static void OnTrap(TrapFrame* frame)
    {
        if (frame->Vector == GeneralProtection && (frame->Rip == Assembly.ProbeReadMsr() || frame->Rip == Assembly.ProbeWriteMsr()))
        {
            frame->Rip = Assembly.MsrFailed();
            return;
        }

        PerCpu* block = Assembly.PerCpu();
        if (frame->Vector == NonMaskable)
        {
            // Another CPU's panic stops this one; any other NMI is counted (debug key 'n') and passed over.
            if (Panic.IsUnderWay)
                Assembly.HaltForever();
            if (Root.HasHost)
                block->Processor.NmiCount++;
            return;
        }

        bool isServing = Root.HasHost && block->IsServing != 0 && frame->Vector is not (NonMaskable or DoubleFault or MachineCheck);
        if (!isServing || block->Processor.Held.HoldsHostState)
        {
            Panic.Stop(frame, Describe(frame->Vector));
            return;
        }

        Abandon(block, frame);
    }

    /// <summary>Gives up the entry being served: its locks are freed, its guest is crashed, and the CPU's loop starts anew.</summary>
    private static void Abandon(PerCpu* block, TrapFrame* frame)
    {
        Cpu cpu = block->Processor;
        Vcpu? served = cpu.Current;
        cpu.Held.ReleaseAll();
        cpu.AbandonCopy();
        served?.Translations.EndHypercall();
        bool wasMaking = ManagedHeap.AbandonRegion();
        block->IsServing = 0;
        Host host = cpu.Host;
        LogLine line = host.Console.Begin(LogLevel.Error, cpu).Text("FAULT: "u8).Text(Describe(frame->Vector)).Text(" at "u8);
        BackTrace.AppendSymbol(line, frame->Rip);
        line.End();
        BackTrace.Print(host, cpu, frame->Rip, frame->Rsp, block->StackTop);
        if (served == null)
            Panic.Stop(frame, "a fault outside any domain's entry"u8);
        // An operation about another domain costs that one, and a domain that was being made is not made; whoever asked gets an error.
        Domain? subject = cpu.Subject;
        cpu.Subject = null;
        bool isForAnother = wasMaking || (subject != null && subject != served!.Domain);
        Domain? payer = isForAnother ? subject : served!.Domain;
        if (payer != null)
        {
            host.Console.Begin(LogLevel.Error, cpu).Text("domain "u8).Decimal(payer.Id).Text(" is crashed for it; the host goes on"u8).End();
            payer.Crash(cpu);
        }

        if (isForAnother)
            ((Svm.SvmVcpu)served!.Context).EndHypercall(HypercallError.EIO);
        Assembly.RunOnStack(block->StackTop, Assembly.RunLoopEntry());
    }

    public static System.ReadOnlySpan<byte> Describe(ulong vector) => vector switch
    {
        0 => "divide error"u8,
        2 => "non-maskable interrupt"u8,
        3 => "breakpoint"u8,
        6 => "invalid opcode"u8,
        8 => "double fault"u8,
        13 => "general protection fault"u8,
        14 => "page fault"u8,
        18 => "machine check"u8,
        ManagedFault + 1 => "index out of range"u8,
        ManagedFault + 2 => "arithmetic overflow"u8,
        ManagedFault + 3 => "division by zero"u8,
        ManagedFault + 4 => "null reference"u8,
        ManagedFault + 5 => "invalid cast"u8,
        ManagedFault + 7 => "object created while the heap is sealed"u8,
        ManagedFault + 8 => "argument out of range"u8,
        ManagedFault + 9 => "failed check"u8,
        _ => "exception"u8,
    };

    [RuntimeExport("xs_interrupt")]
    private static void OnInterrupt(int vector)
    {
        PerCpu* block = Assembly.PerCpu();
        switch (vector)
        {
            case LocalApicHardware.SpuriousVector:
            case >= LegacyInterruptController.FirstVector and < LegacyInterruptController.FirstVector + LegacyInterruptController.Lines:
                return;
            case LocalApicHardware.TimerVector:
                block->Processor.Raise(Edge.PendingWork.Timer);
                break;
            case LocalApicHardware.KickVector:
                break;
            case LocalApicHardware.IommuVector:
                block->Processor.Raise(Edge.PendingWork.Iommu);
                break;
            case >= IoApicHardware.FirstVector and < IoApicHardware.FirstVector + IoApicHardware.MaxGsis:
                Root.Platform.NoteDeviceInterrupt(vector - IoApicHardware.FirstVector, block->Processor);
                break;
            case (>= MessageInterrupts.LowVector and < MessageInterrupts.LowVector + MessageInterrupts.LowLines) or (>= MessageInterrupts.HighVector and < MessageInterrupts.HighVector + MessageInterrupts.Lines - MessageInterrupts.LowLines):
                Root.Platform.NoteMessage(vector, block->Processor);
                break;
        }

        LocalApicHardware.EndOfInterrupt();
    }
}
