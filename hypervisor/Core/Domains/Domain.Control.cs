// SPDX-License-Identifier: MIT
// What the toolstack settles before a domain runs.

namespace XenSharp.Core.Domains;

public sealed partial class Domain
{
    /// <summary>The domain has been unpaused for the first time: its CPU policy is final (creation_finished of Xen).</summary>
    public bool IsCreationFinished { get; internal set; }

    /// <summary>XEN_CPUID_TSC_*: how the time-stamp counter is given. Kept and reported: it is the machine's in every mode.</summary>
    public uint TscMode { get; set; }

    /// <summary>How often the counter's parameters have been set, creation included.</summary>
    public uint TscIncarnation { get; set; } = 1;

    /// <summary>The counter's frequency that the toolstack wants; 0: the machine's.</summary>
    public uint TscKhz { get; set; }

    /// <summary>Memory nodes of the toolstack's choice. There is one node.</summary>
    public ulong NodeAffinity { get; set; } = 1;
}
