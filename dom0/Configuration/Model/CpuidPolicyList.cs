// SPDX-License-Identifier: MIT
// Changes to what CPUID and MSRs tell a guest.
using System.Collections.Generic;
using System.Text.Json.Serialization;

namespace XenSharp.Configuration;

/// <summary><c>libxl_cpuid_policy_list</c>.</summary>
public sealed record CpuidPolicyList
{
    public IReadOnlyList<CpuidPolicy> Cpuid { get => field ?? []; init; }
    public IReadOnlyList<MsrPolicy> Msr { get => field ?? []; init; }
}

/// <summary>
/// One leaf. A register's policy is 32 characters, bit 31 first: <c>0</c>, <c>1</c>, <c>x</c> as the toolstack chooses, <c>k</c> as the host has it,
/// <c>s</c> likewise and kept over migrations.
/// </summary>
public sealed record CpuidPolicy
{
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)] public uint Leaf { get; init; }
    /// <summary>Null for a leaf that has no subleaves.</summary>
    public uint? Subleaf { get; init; }
    public string? Eax { get; init; }
    public string? Ebx { get; init; }
    public string? Ecx { get; init; }
    public string? Edx { get; init; }
}

/// <summary>One MSR: 64 characters, bit 63 first, as for <see cref="CpuidPolicy"/>.</summary>
public sealed record MsrPolicy
{
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)] public uint Index { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)] public string Policy { get => field ?? ""; init; }
}
