// SPDX-License-Identifier: MIT
// What the core asks of the machine itself: time, other CPUs, the console's wire, and the end. One implementation per port.

using System;

namespace XenSharp.Edge;

/// <summary>Services of the machine. All are callable on any CPU.</summary>
public abstract class Platform
{
    /// <summary>The CPU that executes the call.</summary>
    public abstract Processor CurrentProcessor { get; }

    /// <summary>The CPU's cycle counter, common to all CPUs.</summary>
    public abstract ulong ReadTsc();

    /// <summary>Makes the processor leave guest mode or idle, and look at its pending work. Does nothing for the calling one.</summary>
    public abstract void Kick(Processor processor);

    /// <summary>Arms this CPU's one-shot timer interrupt for the system time given (ns); 0 disarms it.</summary>
    public abstract void ArmTimer(ulong deadlineNs);

    /// <summary>Sends bytes to the serial line(s) and screen chosen by `console=`.</summary>
    public abstract void WriteConsole(ReadOnlySpan<byte> text);

    /// <summary>Takes one byte that has arrived on the serial console, or -1.</summary>
    public abstract int ReadConsole();

    /// <summary>Resets the machine. Never returns.</summary>
    public abstract void Reboot();

    /// <summary>Switches the machine off; where that is impossible, halts. Never returns.</summary>
    public abstract void PowerOff();

    /// <summary>Stops all CPUs for good, interrupts off. Never returns.</summary>
    public abstract void Halt();

    /// <summary>Seconds since 1970 from the machine's clock (CMOS), read at boot.</summary>
    public abstract ulong WallClockAtBoot { get; }

    /// <summary>The local APIC id of a CPU, for tables and topology.</summary>
    public abstract uint ApicId(int processor);

    /// <summary>Executes CPUID on this CPU.</summary>
    public abstract void Cpuid(uint leaf, uint subleaf, out uint eax, out uint ebx, out uint ecx, out uint edx);

    /// <summary>Prints the machine's interrupt lines and who has them (debug keys 'i' and 'z').</summary>
    public virtual void DumpInterrupts()
    {
    }

    /// <summary>Prints this CPU's back-trace and registers to the console (debug keys, panic).</summary>
    public abstract void DumpExecutionState();

    /// <summary>Pulls the machine's interrupt line of a GSI: reports to the port that the guest has finished a level interrupt.</summary>
    public abstract void EndOfInterrupt(int gsi);

    /// <summary>Routes the GSI of the machine to the hypervisor with the given trigger and polarity, or masks it.</summary>
    public abstract void RouteGsi(int gsi, bool levelTriggered, bool activeLow);

    public abstract void MaskGsi(int gsi);

    /// <summary>Reads device memory, uncached; size 1, 2, 4 or 8, the address aligned to it and not RAM.</summary>
    public abstract ulong ReadDevice(ulong machineAddress, int size);

    public abstract void WriteDevice(ulong machineAddress, int size, ulong value);

    /// <summary>Reads a port; size 1, 2 or 4.</summary>
    public abstract uint In(ushort port, int size);

    public abstract void Out(ushort port, int size, uint value);
}
