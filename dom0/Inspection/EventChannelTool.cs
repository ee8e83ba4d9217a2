// SPDX-License-Identifier: MIT
// lsevtchn: the event channels of a domain. Form of Xen 4.17's tools/xcutils/lsevtchn.c. Called by InspectionTools.

using System.Globalization;
using System.IO;
using XenSharp.Abi;
using XenSharp.Control;

namespace XenSharp.Inspection;

internal static class EventChannelTool
{
    public static int Run(string[] arguments, TextWriter output, TextWriter errors)
    {
        int domain = 0;
        if (arguments.Length > 0 && (!int.TryParse(arguments[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out domain) || domain is < 0 or >= DomainIds.FirstReserved))
        {
            errors.WriteLine($"lsevtchn: '{arguments[0]}' is no number of a domain");
            return 1;
        }
        using Hypervisor hypervisor = Hypervisor.Open();
        return List(hypervisor, (ushort)domain, output, errors);
    }

    internal static int List(Hypervisor hypervisor, ushort domain, TextWriter output, TextWriter errors)
    {
        for (uint port = 0; ; port++)
        {
            try
            {
                if (!hypervisor.TryGetPortStatus(domain, port, out EventChannelStatus status))
                {
                    // The end, or no domain at all.
                    if (port > 0 || hypervisor.TryGetDomain(domain, out _))
                        return 0;
                    errors.WriteLine("xc_evtchn_status: No such process");
                    return 1;
                }
                if (status.Status != EventChannelState.Closed)
                    output.WriteLine(Describe(port, status));
            }
            catch (HypercallException failure) when (failure.Error == Errno.Access)
            {
                // One of the hypervisor's own.
            }
        }
    }

    internal static string Describe(uint port, in EventChannelStatus status)
    {
        // The union: for an interdomain channel a 16-bit domain and a port behind it; else one number.
        uint first = status.U[0], second = status.U[1];
        string what = status.Status switch
        {
            EventChannelState.Unbound => $"Interdomain (Waiting connection) - Remote Domain {first & 0xFFFF}",
            EventChannelState.Interdomain => $"Interdomain (Connected) - Remote Domain {first & 0xFFFF}, Port {second}",
            EventChannelState.Pirq => $"Physical IRQ {first}",
            EventChannelState.Virq => $"Virtual IRQ {first}",
            EventChannelState.Ipi => "IPI",
            _ => "Unknown",
        };
        return string.Create(CultureInfo.InvariantCulture, $"{port,4}: VCPU {status.Vcpu}: {what}");
    }
}
