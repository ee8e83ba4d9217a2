// SPDX-License-Identifier: MIT
// Why a vCPU does not run, apart from being paused. Read by the scheduler, the debug keys and the toolstack's queries.

using System;

namespace XenSharp.Core.Vcpus;

/// <summary>Conditions of one vCPU (VPF_* of Xen, same bits: they show in debug key 'q'). A vCPU runs only when none is set.</summary>
[Flags]
public enum VcpuPauseFlags : uint
{
    None = 0,

    /// <summary>Waits for an event (SCHEDOP_block, SCHEDOP_poll, HLT).</summary>
    Blocked = 1,

    /// <summary>Not brought up (VCPUOP_up, start-up message), or taken down.</summary>
    Down = 2,

    /// <summary>Waits for an emulator outside the hypervisor.</summary>
    BlockedInHypervisor = 4,
}
