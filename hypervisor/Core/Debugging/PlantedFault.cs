// SPDX-License-Identifier: MIT
// A fault on purpose, to show what one costs: `plant=KIND` on the command line arms it; hypercall number 63 sets it off, or for the kind
// `vcpu` the making of a guest's vCPU.

using System;
using XenSharp.Core.Options;

namespace XenSharp.Core.Debugging;

/// <summary>Kinds of fault that can be planted.</summary>
public enum PlantedFaultKind { None, Index, Null, Divide, Object, Vcpu }

/// <summary>Called by the dispatch of hypercalls for a number that Xen does not have.</summary>
public static class PlantedFault
{
    /// <summary>No hypercall of Xen has this number (xen/include/public/xen.h).</summary>
    public const ulong Number = 63;

    /// <summary>The kind that an option value names; None for an unknown one.</summary>
    public static PlantedFaultKind Parse(ReadOnlySpan<byte> value)
    {
        if (Ascii.Equal(value, "index"u8))
            return PlantedFaultKind.Index;
        if (Ascii.Equal(value, "null"u8))
            return PlantedFaultKind.Null;
        if (Ascii.Equal(value, "divide"u8))
            return PlantedFaultKind.Divide;
        if (Ascii.Equal(value, "vcpu"u8))
            return PlantedFaultKind.Vcpu;
        return Ascii.Equal(value, "object"u8) ? PlantedFaultKind.Object : PlantedFaultKind.None;
    }

    /// <summary>Called while a vCPU is being made.</summary>
    public static void StrikeVcpu(Host host)
    {
        int[] empty = host.Options.PlantedFaultSite;
        if (host.Options.PlantedFault == PlantedFaultKind.Vcpu)
            empty[empty.Length] = 1;
    }

    /// <summary>Faults in the way asked for; returns only when nothing is planted.</summary>
    public static void Strike(Host host)
    {
        int[] empty = host.Options.PlantedFaultSite;
        switch (host.Options.PlantedFault)
        {
            case PlantedFaultKind.Index:
                empty[empty.Length] = 1;
                break;
            case PlantedFaultKind.Null:
                host.Options.PlantedFaultSite = null!;
                empty = host.Options.PlantedFaultSite;
                empty[0] = 1;
                break;
            case PlantedFaultKind.Divide:
                empty[0] = 1 / empty.Length;
                break;
            case PlantedFaultKind.Object:
                host.Options.PlantedFaultSite = new int[1];
                break;
        }
    }
}
