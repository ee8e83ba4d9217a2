// SPDX-License-Identifier: MIT
// A domain: its vCPUs, memory, event channels and grants, and the state of its life.

using XenSharp.Core.EventChannels;
using XenSharp.Core.Grants;
using XenSharp.Core.Scheduling;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Domains;

/// <summary>One guest. Named across entries by <see cref="Id"/> and the generation in <see cref="Handle"/>.</summary>
public sealed partial class Domain
{
    public const int MaxVcpus = 128;
    public const int HvmParameterCount = 39;

    private readonly ulong[] _hvmParameters;

    // As long for every domain, so that all of them have one layout.
    private readonly Vcpu?[] _vcpus;

    public Domain(Host host, ushort id, DomainSettings settings, P2m p2m)
    {
        Host = host;
        Id = id;
        Settings = settings;
        P2m = p2m;
        _vcpus = new Vcpu?[MaxVcpus];
        Lock = new SpinLock(LockScope.Domain);
        Memory = new DomainMemory(this);
        OnDemand = new OnDemandMemory(this);
        EventChannels = new EventChannelTable(this);
        Grants = new GrantTable(this);
        _hvmParameters = new ulong[HvmParameterCount];
        _hvmParameters[(int)XenSharp.Abi.HvmParam.TripleFaultReason] = (ulong)XenSharp.Abi.ShutdownReason.Reboot;
        CreateDevices();
        Watchdogs = new DomainWatchdogs(this);
        Scheduling = new DomainScheduling(this);
    }

    public Host Host { get; }

    public ushort Id { get; }

    public DomainSettings Settings { get; }

    /// <summary>Guards the p2m, the memory counters and the domain's life.</summary>
    public SpinLock Lock { get; }

    public P2m P2m { get; }

    public DomainMemory Memory { get; }

    /// <summary>Memory that is populated when it is first used, and what is kept for it.</summary>
    public OnDemandMemory OnDemand { get; }

    /// <summary>One place for each vCPU that the domain may have; filled by XEN_DOMCTL_max_vcpus.</summary>
    public System.Span<Vcpu?> Vcpus => new(_vcpus, 0, Settings.MaxVcpus);

    public EventChannelTable EventChannels { get; }

    public GrantTable Grants { get; }

    /// <summary>HVM_PARAM_* values (xen/include/public/hvm/params.h).</summary>
    public System.ReadOnlySpan<ulong> HvmParameters => _hvmParameters;

    /// <summary>Events are announced by a vector that no local APIC delivers (HVM_PARAM_CALLBACK_IRQ of type vector).</summary>
    public bool UsesCallbackVector { get; private set; }

    /// <summary>Stores a parameter that has been checked.</summary>
    public void SetHvmParameter(int index, ulong value)
    {
        const int callbackIrq = 0, typeShift = 56;
        const ulong vectorType = 2;
        _hvmParameters[index] = value;
        if (index == callbackIrq)
            UsesCallbackVector = value >> typeShift == vectorType;
    }

    /// <summary>The domain that may use domctl, sysctl and platform operations.</summary>
    public bool IsPrivileged => Settings.IsControl;

    public bool IsHardware => Settings.IsHardware;

    /// <summary>The page of struct shared_info, allocated with the domain.</summary>
    public Mfn SharedInfo { get; set; } = Mfn.Invalid;

    /// <summary>VMASST_TYPE_* bits that the guest has enabled.</summary>
    public uint VmAssist { get; set; }

    /// <summary>Offset of the guest's wall clock from the host's, seconds (XEN_DOMCTL_settimeoffset).</summary>
    public long TimeOffsetSeconds { get; set; }

    /// <summary>How many times the domain is paused; above 0 none of its vCPUs runs. Changed by the scheduler (Pause, Unpause) only.</summary>
    public int PauseCount { get; internal set; }

    /// <summary>How many of these pauses are the toolstack's (XEN_DOMCTL_pausedomain).</summary>
    public int ControllerPauseCount { get; internal set; }

    /// <summary>Weight and cap of the scheduler.</summary>
    public DomainScheduling Scheduling { get; }

    /// <summary>The timers of SCHEDOP_watchdog.</summary>
    public DomainWatchdogs Watchdogs { get; }

    public bool IsCrashed { get; set; }

    public Vcpu? FindVcpu(uint id) => id < (uint)Settings.MaxVcpus ? _vcpus[(int)id] : null;
}

/// <summary>What a domain is created with (struct xen_domctl_createdomain, and for dom0 the boot options).</summary>
public sealed class DomainSettings
{
    public int MaxVcpus { get; init; } = 1;

    public bool IsControl { get; init; }

    public bool IsHardware { get; init; }

    /// <summary>The highest port number that may be allocated (max_evtchn_port).</summary>
    public uint MaxEventChannelPort { get; init; } = uint.MaxValue;

    public uint MaxGrantFrames { get; init; } = 64;

    public uint MaxMaptrackFrames { get; init; } = 1024;

    public ulong MaxPages { get; set; } = ulong.MaxValue;

    /// <summary>XEN_X86_EMU_LAPIC, _IOAPIC, _VPCI (xen/include/public/arch-x86/xen.h).</summary>
    public const uint EmulatedLocalApic = 1, EmulatedIoApic = 1 << 4, EmulatedPci = 1 << 10;

    /// <summary>XEN_DOMCTL_CDF_* flags.</summary>
    public uint CreationFlags { get; init; } = 3;

    public uint MaxGrantVersion { get; init; } = 2;

    /// <summary>XEN_X86_EMU_* bits.</summary>
    public uint EmulationFlags { get; init; } = 1;
}
