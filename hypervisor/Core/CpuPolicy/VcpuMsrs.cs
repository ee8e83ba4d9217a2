// SPDX-License-Identifier: MIT
// Model-specific registers that a vCPU has for itself and that the CPU does not switch.

using XenSharp.Abi;

namespace XenSharp.Core.CpuPolicy;

/// <summary>Values only; <see cref="MsrPolicy"/> checks what goes in.</summary>
public sealed class VcpuMsrs
{
    public const int VariableRanges = 8;
    public const int FixedRanges = 11;
    public const int MachineCheckBanks = 2;

    /// <summary>The hypervisor's own PAT (XEN_MSR_PAT), with which the hardware domain starts.</summary>
    public const ulong HostPat = 0x0000_0501_0007_0406;

    public const ulong ResetPat = 0x0007_0406_0007_0406;

    // Eight variable ranges, fixed ranges, write combining.
    private const ulong DefaultMtrrCapability = 0x508;

    // Enabled with fixed ranges, write-back by default, as firmware leaves it.
    private const ulong FirmwareDefaultType = 0xc06;

    /// <summary>The hardware domain finds the memory types as firmware leaves them; others' are all uncached, until a toolstack sets them.</summary>
    public VcpuMsrs(bool isHardware)
    {
        MachineCheck = new HvmVmceVcpu { Capabilities = MachineCheckBanks };
        if (!isHardware)
            return;
        MtrrDefaultType = FirmwareDefaultType;
        // Below 640 KiB write-back, the VGA window uncached, ROMs write-protected.
        for (int i = 0; i < FixedRanges; i++)
            MtrrFixed[i] = i < 2 ? 0x0606_0606_0606_0606UL : i == 2 ? 0UL : 0x0505_0505_0505_0505UL;
    }

    public ulong Pat { get; set; } = ResetPat;

    public ulong MtrrDefaultType { get; set; }

    /// <summary>MTRRcap.</summary>
    public ulong MtrrCapability { get; set; } = DefaultMtrrCapability;

    /// <summary>Base and mask by turns.</summary>
    public ulong[] MtrrVariable { get; } = new ulong[2 * VariableRanges];

    public ulong[] MtrrFixed { get; } = new ulong[FixedRanges];

    /// <summary>TSC_AUX; the port loads it where RDTSCP and RDPID are not intercepted.</summary>
    public uint TscAux { get; set; }

    public ulong MachineCheckStatus { get; set; }

    /// <summary>Machine-check capabilities and controls, kept for the toolstack.</summary>
    public HvmVmceVcpu MachineCheck { get; set; }

    public ulong DebugControl { get; set; }

    /// <summary>MISC_FEATURES_ENABLES: bit 0 makes CPUID fault outside privilege level 0.</summary>
    public ulong MiscFeatures { get; set; }

    /// <summary>IA32_TSC_ADJUST: kept, without effect on the machine's common TSC.</summary>
    public ulong TscAdjust { get; set; }

    /// <summary>MSR c001011f, bit 2: the guest wants speculative store bypass off. Kept; the port may act on it.</summary>
    public ulong VirtualSpeculationControl { get; set; }
}
