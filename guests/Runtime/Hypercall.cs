// SPDX-License-Identifier: MIT
// Hypercalls as the kernels make them. The runtime and all tests call these.

namespace XenSharp.Guests;

/// <summary>Hypercall numbers (`xen/include/public/xen.h`, `__HYPERVISOR_*`).</summary>
public static class Call
{
    public const uint PlatformOp = 7, MemoryOp = 12, Multicall = 13, SetTimerOp = 15, XenVersion = 17, ConsoleIo = 18, GrantTableOp = 20, VmAssist = 21;
    public const uint VcpuOp = 24, MmuextOp = 26, XsmOp = 27, NmiOp = 28, SchedOp = 29, CallbackOp = 30, EventChannelOp = 32, PhysdevOp = 33, HvmOp = 34;
    public const uint Sysctl = 35, Domctl = 36, KexecOp = 37, TmemOp = 38, ArgoOp = 39, XenpmuOp = 40, DmOp = 41, HypfsOp = 42;
}

public static class Hypercall
{
    private static bool s_trace;

    /// <summary>Prints every call before it is made: finds the one that does not return.</summary>
    public static void Trace(bool on) => s_trace = on;

    private static bool s_isNarrow;

    /// <summary>From here on <see cref="Make"/> makes calls as a 32-bit kernel does.</summary>
    public static void MakeNarrow() => s_isNarrow = true;

    public static bool IsNarrow => s_isNarrow;

    public static long Make(ulong number, ulong a1 = 0, ulong a2 = 0, ulong a3 = 0, ulong a4 = 0, ulong a5 = 0)
    {
        if (s_trace)
            PrintCall(number, a1, a2, a3);
        return s_isNarrow ? NarrowCalls.Make(number, a1, a2, a3, a4, a5) : Native.Hypercall(number, a1, a2, a3, a4, a5);
    }

    /// <summary>Without the test for tracing, for measurements.</summary>
    public static long Fast(ulong number, ulong a1, ulong a2, ulong a3) => Native.Hypercall(number, a1, a2, a3, 0, 0);

    /// <summary>By the stub that the hypervisor wrote into a hypercall page.</summary>
    public static long ByPage(Page page, ulong number, ulong a1 = 0, ulong a2 = 0) => Native.HypercallByPage(page.Address, number, a1, a2);

    /// <summary>From 32-bit compatibility mode: arguments in ebx, ecx, edx.</summary>
    public static long Compat(uint number, uint a1 = 0, uint a2 = 0, uint a3 = 0) => Native.CompatHypercall(number, a1, a2, a3, 0, 0);

    /// <summary>From ring 3.</summary>
    public static long User(ulong number, ulong a1 = 0, ulong a2 = 0) => Native.UserHypercall(number, a1, a2);

    /// <summary>A mask of the registers that a null hypercall changed; none is right.</summary>
    public static uint ChangedRegisters() => Native.HypercallChanges();

    /// <summary>False if VMCALL faults, as it should on AMD hardware unless the hypervisor takes it.</summary>
    public static bool VmcallWorks() => Native.TryVmcall() == 0;

    private static void PrintCall(ulong number, ulong a1, ulong a2, ulong a3)
    {
        s_trace = false;
        Text line = new(stackalloc byte[160]);
        line.Add("# call "u8).Decimal(number).Add(" "u8).Hex(a1).Add(" "u8).Hex(a2).Add(" "u8).Hex(a3).Add("\n"u8);
        Console.Write(line.Bytes);
        s_trace = true;
    }
}
