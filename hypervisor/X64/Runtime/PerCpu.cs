// SPDX-License-Identifier: MIT
// What assembly and trap handlers find through the GS base.

using System.Runtime.CompilerServices;
using XenSharp.Core;

namespace XenSharp.X64.Runtime;

/// <summary>One per CPU, in memory that never moves; <see cref="Self"/> must stay first (xs_percpu), the runner third (xs_run_loop).</summary>
internal unsafe struct PerCpu
{
    public PerCpu* Self;

    // Objects never move, so a reference can be kept as a number.
    private ulong _processor;
    private ulong _runner;

    public ulong StackTop;
    public ulong NmiStackTop;
    public ulong DoubleFaultStackTop;
    public ulong MachineCheckStackTop;
    public ulong Gdt;
    public ulong Tss;
    public ulong HostVmcb;
    public ulong HostSaveArea;
    public uint ApicId;
    public uint Id;
    public int IsOnline;

    /// <summary>Where the CPU may make objects while the heap is sealed; 0: nowhere.</summary>
    public ulong RegionNext;
    public ulong RegionEnd;
    public ulong RegionUsed;

    /// <summary>The slot of that region, to give it back should the entry be abandoned.</summary>
    public ulong RegionSlot;

    /// <summary>Set while an entry of a guest is served: a fault then costs the guest, not the host.</summary>
    public int IsServing;

    // SAFETY: the number was stored from a reference of exactly this type by the setter.
    public Cpu Processor
    {
        readonly get => Unsafe.As<ulong, Cpu>(ref Unsafe.AsRef(in _processor));
        set => Unsafe.As<ulong, Cpu>(ref _processor) = value;
    }

    public Svm.VcpuRunner Runner
    {
        readonly get => Unsafe.As<ulong, Svm.VcpuRunner>(ref Unsafe.AsRef(in _runner));
        set => Unsafe.As<ulong, Svm.VcpuRunner>(ref _runner) = value;
    }
}

/// <summary>The hypervisor's one host object, for code that is entered from assembly.</summary>
internal static class Root
{
    private static ulong s_host;
    private static ulong s_platform;

    // SAFETY: as in PerCpu.
    public static Host Host
    {
        get => Unsafe.As<ulong, Host>(ref s_host);
        set => Unsafe.As<ulong, Host>(ref s_host) = value;
    }

    public static Machine.X64Platform Platform
    {
        get => Unsafe.As<ulong, Machine.X64Platform>(ref s_platform);
        set => Unsafe.As<ulong, Machine.X64Platform>(ref s_platform) = value;
    }

    public static bool HasHost => s_host != 0;
}
