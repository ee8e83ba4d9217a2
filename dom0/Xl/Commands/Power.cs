// SPDX-License-Identifier: MIT
// pause, unpause, trigger and button-press: what is done to a running domain from outside. As Xen's, they succeed even where the hypervisor refuses, and say
// what it refused. Rows of CommandTable.

using System;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Control;
using XenSharp.Xl.Frame;

namespace XenSharp.Xl.Commands;

internal static class Power
{
    public static Command Pause { get; } = new("pause", "Stop a domain's vCPUs until it is unpaused", "<Domain>", call => TellAsync(call, (hypervisor, domain) => hypervisor.PauseDomain(domain)))
    {
        RequiredWords = 1,
        Modifies = true,
    };

    public static Command Unpause { get; } = new("unpause", "Let a paused domain go on", "<Domain>", call => TellAsync(call, (hypervisor, domain) => hypervisor.UnpauseDomain(domain)))
    {
        RequiredWords = 1,
        Modifies = true,
    };

    public static Command Trigger { get; } = new("trigger", "Send an interrupt or an ACPI event to a domain", "<Domain> <nmi|reset|init|power|sleep|s3resume> [<VCPU>]", call =>
    {
        if (call.Words is [_, _, { } word, ..] && Invocation.LeadingNumber(word) == 0 && !word.StartsWith('0'))
            call.Error.Write("Invalid vcpuid, using default vcpuid=0.\n\n");
        return TriggerAsync(call, call.Words[1], call.Words is [_, _, { } number, ..] ? (uint)Invocation.LeadingNumber(number) : 0, $"Invalid trigger \"{call.Words[1]}\"");
    })
    {
        RequiredWords = 2,
        Modifies = true,
    };

    public static Command ButtonPress { get; } = new("button-press", "Press an ACPI button of a domain", "<Domain> <Button>", call =>
    {
        call.Error.Write("WARNING: \"button-press\" is deprecated. Please use \"trigger\"\n");
        string button = call.Words[1] is "power" or "sleep" ? call.Words[1] : "";
        return TriggerAsync(call, button, 0, $"{call.Words[1]} is an invalid button identifier");
    })
    {
        RequiredWords = 2,
        Modifies = true,
        Notes = "The button is power or sleep.",
    };

    private static async Task<int> TriggerAsync(Invocation call, string name, uint vcpu, string refusal)
    {
        int domain = await call.DomainAsync().ConfigureAwait(false);
        if (name == "s3resume")
        {
            call.Error.Write($"Domain {domain} has no device model that could wake it.\n");
            return 0;
        }
        SendTrigger trigger = name switch
        {
            "nmi" => SendTrigger.Nmi,
            "reset" => SendTrigger.Reset,
            "init" => SendTrigger.Init,
            "power" => SendTrigger.Power,
            "sleep" => SendTrigger.Sleep,
            _ => throw new XlException(refusal),
        };
        return Tell(call, domain, (hypervisor, id) => hypervisor.SendTrigger(id, trigger, vcpu));
    }

    private static async Task<int> TellAsync(Invocation call, Action<Hypervisor, ushort> action) => Tell(call, await call.DomainAsync().ConfigureAwait(false), action);

    private static int Tell(Invocation call, int domain, Action<Hypervisor, ushort> action)
    {
        try
        {
            action(call.Host.Hypervisor, call.Host.GetDomain(domain).Domain);
        }
        catch (Exception failure) when (failure is HypercallException or XlException)
        {
            call.Error.Write(failure.Message + "\n");
        }
        return 0;
    }
}
