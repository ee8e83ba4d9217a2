// SPDX-License-Identifier: MIT
// Debug keys 't', 'i', 'z', 'M', 'n', 'v', 'w': the machine's clock and interrupts, guests' CPU state, the console ring.

using System;
using XenSharp.Core.Domains;
using XenSharp.Core.Vcpus;

namespace XenSharp.Core.Debugging;

/// <summary>What only the port knows, it prints itself (<see cref="Edge.Platform.DumpInterrupts"/>).</summary>
public static class MachineDump
{
    private const ulong Second = 1_000_000_000;

    public static void Clock(Host host, Cpu caller)
    {
        ulong now = host.Clock.Now;
        host.Console.Begin(caller).Text("Synced stime: "u8).Decimal(now / Second).Text("."u8).Padded(now % Second, 9).Text(" s, cycles "u8)
            .Decimal(host.Platform.ReadTsc()).End();
        host.Console.Begin(caller).Text("TSC: "u8).Decimal(host.Clock.TscFrequencyHz / 1000).Text(" kHz, multiplier "u8)
            .Hex(host.Clock.TscToSystemMultiplier, 8).Text(", shift "u8).Decimal(host.Clock.TscShift).End();
        host.Console.Begin(caller).Text("wall clock at system time 0: "u8).Decimal(host.Clock.WallClockSeconds).Text("."u8)
            .Padded(host.Clock.WallClockNanoseconds, 9).Text(" s since 1970"u8).End();
    }

    public static void Interrupts(Host host, Cpu caller)
    {
        host.Console.Begin(caller).Text("IRQ information:"u8).End();
        host.Platform.DumpInterrupts();
    }

    public static void IoApics(Host host, Cpu caller)
    {
        host.Console.Begin(caller).Text("IO-APIC information:"u8).End();
        host.Platform.DumpInterrupts();
    }

    public static void MessageInterrupts(Host host, Cpu caller)
    {
        host.Console.Begin(caller).Text("MSI information:"u8).End();
        host.Messages.Dump(caller);
    }

    public static void NonMaskable(Host host, Cpu caller)
    {
        host.Console.Begin(caller).Text("CPU    NMI"u8).End();
        for (int i = 0; i < host.ProcessorCount; i++)
            host.Console.Begin(caller).Text("  "u8).Decimal(i).Text("      "u8).Decimal(host.Processors[i]!.NmiCount).End();
    }

    // Registers of vCPUs that run at this moment on another CPU are as of their last exit.
    public static void GuestState(Host host, Cpu caller)
    {
        host.Console.Begin(caller).Text("*********** VMCB Areas **************"u8).End();
        for (Domain? domain = host.Domains.NextFrom(0); domain != null; domain = host.Domains.NextFrom(domain.Id + 1))
        {
            caller.Subject = domain;
            host.Console.Begin(caller).Text(">>> Domain "u8).Decimal((ulong)domain.Id).Text(" <<<"u8).End();
            foreach (Vcpu? vcpu in domain.Vcpus)
            {
                if (vcpu == null)
                    continue;
                host.Console.Begin(caller).Text("\tVCPU "u8).Decimal((ulong)vcpu.Id).Text(vcpu.IsRunningNow ? " (running)"u8 : ""u8).End();
                VcpuDump.Print(vcpu, caller);
            }
        }

        caller.Subject = null;
        host.Console.Begin(caller).Text("**************************************"u8).End();
    }

    // Only to the wire: printing the ring into itself would never end.
    public static void ConsoleRing(Host host, Cpu caller)
    {
        host.Console.Begin(caller).Text("'w' pressed -> dumping console ring buffer (dmesg)"u8).End();
        Span<byte> piece = stackalloc byte[256];
        uint end = host.Console.Ring.Producer;
        for (uint index = host.Console.Ring.Consumer; index != end;)
        {
            int length = 0;
            for (; index != end && length < piece.Length; index++)
                piece[length++] = host.Console.Ring[index];
            host.Console.WriteToWire(piece.Slice(0, length), caller);
        }
    }
}
