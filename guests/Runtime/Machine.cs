// SPDX-License-Identifier: MIT
// The instructions and the endings that the kernels use.

using System;
using System.Runtime;
using System.Runtime.CompilerServices;

namespace XenSharp.Guests;

/// <summary>Registers of one CPUID leaf.</summary>
public readonly struct CpuidLeaf(uint eax, uint ebx, uint ecx, uint edx)
{
    public readonly uint Eax = eax, Ebx = ebx, Ecx = ecx, Edx = edx;
}

public static unsafe class Machine
{
    public const uint ShutdownPoweroff = 0, ShutdownReboot = 1, ShutdownSuspend = 2, ShutdownCrash = 3, ShutdownWatchdog = 4, ShutdownSoftReset = 5;

    public static CpuidLeaf Cpuid(uint leaf, uint subleaf = 0)
    {
        uint* result = stackalloc uint[4];
        Native.Cpuid(leaf, subleaf, result);
        return new CpuidLeaf(result[0], result[1], result[2], result[3]);
    }

    /// <summary>False if the read raised #GP.</summary>
    public static bool TryReadMsr(uint msr, out ulong value)
    {
        ulong read = 0;
        bool good = Native.TryReadMsr(msr, &read) == 0;
        value = read;
        return good;
    }

    public static bool TryWriteMsr(uint msr, ulong value) => Native.TryWriteMsr(msr, value) == 0;

    /// <summary>False if the access faulted.</summary>
    public static bool TryRead32(ulong address, out uint value)
    {
        uint read = 0;
        bool good = Native.TryRead32(address, &read) == 0;
        value = read;
        return good;
    }

    public static bool TryWrite32(ulong address, uint value) => Native.TryWrite32(address, value) == 0;

    // SAFETY: the first 4 GiB are identity mapped; a frame without memory reads as all ones and faults no one.
    public static ReadOnlySpan<byte> Physical(ulong address, int length)
    {
        if (address + (ulong)length > 1UL << 32)
            Fail("physical address beyond 4 GiB"u8);
        return new ReadOnlySpan<byte>((void*)address, length);
    }

    // SAFETY: as above; who writes knows that nothing of this kernel lies there.
    public static Span<byte> Writable(ulong address, int length)
    {
        if (address < Native.ImageEnd() || address + (ulong)length > 1UL << 32)
            Fail("physical address of this kernel, or beyond 4 GiB"u8);
        return new Span<byte>((void*)address, length);
    }

    public static ulong Rdtsc() => Native.Rdtsc();

    public static uint In8(ushort port) => Native.In8(port);

    public static uint In16(ushort port) => Native.In16(port);

    public static uint In32(ushort port) => Native.In32(port);

    public static void Out8(ushort port, byte value) => Native.Out8(port, value);

    public static void Out16(ushort port, ushort value) => Native.Out16(port, value);

    public static void Out32(ushort port, uint value) => Native.Out32(port, value);

    public static void EnableInterrupts() => Native.EnableInterrupts();

    public static void DisableInterrupts() => Native.DisableInterrupts();

    /// <summary>Sleeps until an interrupt has been handled; interrupts are off before and after.</summary>
    public static void Halt() => Native.Halt();

    public static void HaltForever() => Native.HaltForever();

    public static void Pause() => Native.Pause();

    public static void RaiseUndefined() => Native.Undefined();

    /// <summary>An exception while no handler can be reached.</summary>
    public static void TripleFault() => Native.TripleFault();

    public static void ReloadPageTables() => Native.ReloadPageTables();

    /// <summary>INT3: an exception of this kernel (<see cref="Traps.Breakpoints"/>), unless a debugger takes it.</summary>
    public static void MeetBreakpoint() => Native.Breakpoint();

    /// <summary>Two instructions each turn.</summary>
    public static void EmptyLoop(ulong turns) => Native.EmptyLoop(turns);

    /// <summary>FXRSTOR of the present state, at least once.</summary>
    public static void LoadFloatingPoint(ulong times) => Native.LoadFloatingPoint(times);

    /// <summary>SCHEDOP_shutdown; returns only if the hypervisor refuses.</summary>
    public static long Shutdown(uint reason)
    {
        uint* argument = stackalloc uint[1];
        argument[0] = reason;
        return Native.Hypercall(Call.SchedOp, 2, (ulong)argument, 0, 0, 0);
    }

    /// <summary>Says on the console what is wrong and ends the domain as crashed.</summary>
    public static void Fail(ReadOnlySpan<byte> reason)
    {
        Report.Flush();
        Console.Write("guest kernel: "u8);
        Console.Write(reason);
        Console.Write("\n"u8);
        Shutdown(ShutdownCrash);
        Native.HaltForever();
    }

    /// <summary>The end of every kernel that has nothing else to say about its end: a reboot, at which QEMU's -no-reboot exits.</summary>
    public static void End()
    {
        Report.Flush();
        Shutdown(ShutdownReboot);
        Native.HaltForever();
    }

    [RuntimeExport("xs_managed_fault")]
    private static void ManagedFault(int kind)
    {
        Text line = new(stackalloc byte[80]);
        line.Add("managed fault "u8).Decimal((ulong)kind);
        Fail(line.Bytes);
    }
}
