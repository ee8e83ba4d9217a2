// SPDX-License-Identifier: MIT
// A virtual CPU: who it belongs to, whether it may run, and where it talks to its guest.

using XenSharp.Core.Domains;
using XenSharp.Core.Hypercalls;
using XenSharp.Core.Memory;
using XenSharp.Core.Time;
using XenSharp.Devices.Apic;
using XenSharp.Edge;

namespace XenSharp.Core.Vcpus;

/// <summary>One virtual CPU. Register state lives in <see cref="Context"/>, scheduling state in the other parts of this class.</summary>
public sealed partial class Vcpu
{
    public Vcpu(Domain domain, uint id, VcpuContext context, LocalApic apic)
    {
        Domain = domain;
        Id = id;
        Context = context;
        Apic = apic;
        Msrs = new CpuPolicy.VcpuMsrs(domain.IsHardware);
        Translations = new TranslationCache(domain.P2m, domain.Host.Memory, context);
        SingleshotTimer = new VcpuSingleshotTimer(this);
        PeriodicTimer = new VcpuPeriodicTimer(this);
        PollTimer = new VcpuPollTimer(this);
    }

    public Domain Domain { get; }

    /// <summary>For copies from and to this vCPU's guest.</summary>
    public TranslationCache Translations { get; }

    public Host Host => Domain.Host;

    public uint Id { get; }

    public VcpuContext Context { get; }

    /// <summary>The emulated local APIC.</summary>
    public LocalApic Apic { get; }

    /// <summary>Serialises changes of the run state, and of the guest areas registered below.</summary>
    public SpinLock Lock { get; } = new(LockScope.Domain);

    /// <summary>The CPU on which the vCPU runs or last ran; valid from its first scheduling.</summary>
    public Cpu Processor { get; set; } = null!;

    /// <summary>Struct vcpu_info: in the shared-info page at first, then where VCPUOP_register_vcpu_info put it.</summary>
    public GuestArea Info { get; set; }

    public bool HasRegisteredInfo { get; set; }

    /// <summary>Vector by which the local APIC delivers event upcalls (HVMOP_set_evtchn_upcall_vector); 0: not set.</summary>
    public byte UpcallVector { get; set; }

    public VcpuSingleshotTimer SingleshotTimer { get; }

    public VcpuPeriodicTimer PeriodicTimer { get; }

    public VcpuPollTimer PollTimer { get; }

    /// <summary>The exception (#BP) by which the vCPU has stopped its domain for the debugger; 0: none, or the debugger knows (gdbsx_vcpu_event).</summary>
    public uint DebugEvent { get; set; }

    /// <summary>Of the hypercall being served, as the registers held them.</summary>
    internal HypercallArguments Arguments;

    /// <summary>Set by a hypercall that stops before its end; see <see cref="HypercallContinuation"/>.</summary>
    public HypercallContinuation Continuation;
}
