// SPDX-License-Identifier: MIT
// The emulated local APIC.

namespace XenSharp.Devices.Apic;

/// <summary>State of one local APIC.</summary>
public sealed class LocalApic
{
}
