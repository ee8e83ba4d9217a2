// SPDX-License-Identifier: MIT
// Debug key 'e': all event channels of all domains, in the form that Xen prints them.

using XenSharp.Core.Console;
using XenSharp.Core.Domains;
using XenSharp.Edge;

namespace XenSharp.Core.EventChannels;

/// <summary>The dump of xen/common/event_channel.c, dump_evtchn_info.</summary>
public static class EventChannelDump
{
    public static void DumpEventChannels(Host host, Cpu caller)
    {
        host.Console.Begin(caller).Text("'e' pressed -> dumping event-channel info"u8).End();
        for (Domain? domain = host.Domains.NextFrom(0); domain != null; domain = host.Domains.NextFrom(domain.Id + 1))
        {
            caller.Subject = domain;
            DumpDomain(domain, caller);
        }

        caller.Subject = null;
    }

    private static void DumpDomain(Domain domain, Cpu caller)
    {
        HostConsole console = domain.Host.Console;
        EventChannelTable channels = domain.EventChannels;
        console.Begin(caller).Text("Event channel information for domain "u8).Decimal((uint)domain.Id).Text(":"u8).End();
        DumpPollers(domain, caller);
        console.Begin(caller).Text("    port [p/m/s]"u8).End();
        using SpinLock.Guard guard = channels.Lock.Enter(caller);
        for (uint port = 1; port < channels.ValidPorts; port++)
        {
            if (channels.BindingOf(port).State != PortState.Free)
                DumpPort(channels, port, caller);
        }
    }

    // The set as ranges, as Xen prints bitmaps: {0-2,5}.
    private static void DumpPollers(Domain domain, Cpu caller)
    {
        LogLine line = domain.Host.Console.Begin(caller).Text("Polling vCPUs: {"u8);
        bool any = false;
        for (int first = 0; first < domain.Vcpus.Length; first++)
        {
            if (!IsPolling(domain, first))
                continue;
            int last = first;
            while (IsPolling(domain, last + 1))
                last++;
            line.Text(any ? ","u8 : ""u8).Decimal(first);
            if (last > first)
                line.Text("-"u8).Decimal(last);
            any = true;
            first = last;
        }

        line.Text("}"u8).End();
    }

    private static bool IsPolling(Domain domain, int id) => domain.FindVcpu((uint)id) is { } vcpu && domain.IsPolling(vcpu);

    private static void DumpPort(EventChannelTable channels, uint port, Cpu caller)
    {
        PortBinding binding = channels.BindingOf(port);
        bool pending = binding.IsUsable && channels.IsPending(port);
        bool masked = !binding.IsUsable || channels.IsMasked(port);
        LogLine line = channels.Domain.Host.Console.Begin(caller).Text("    "u8);
        Align(line, port).Decimal(port).Text(" ["u8).Decimal(pending ? 1 : 0).Text("/"u8).Decimal(masked ? 1 : 0).Text("/"u8);
        AppendFormatState(channels, port, binding, line);
        line.Text("]: s="u8).Decimal((uint)binding.State).Text(" n="u8).Decimal(binding.Vcpu).Text(" x="u8).Decimal((uint)binding.Consumer);
        switch (binding.State)
        {
            case PortState.Unbound:
                line.Text(" d="u8).Decimal((uint)binding.RemoteDomain);
                break;
            case PortState.Interdomain:
                line.Text(" d="u8).Decimal((uint)binding.RemoteDomain).Text(" p="u8).Decimal(binding.Target);
                break;
            case PortState.Pirq:
                line.Text(" p="u8).Decimal(binding.Target).Text(" i=0"u8);
                break;
            case PortState.Virq:
                line.Text(" v="u8).Decimal(binding.Target);
                break;
        }

        line.End();
    }

    private static void AppendFormatState(EventChannelTable channels, uint port, PortBinding binding, LogLine line)
    {
        if (!channels.IsFifo)
        {
            line.Decimal(channels.IsSelected(port, binding.Vcpu) ? 1 : 0);
            return;
        }

        if (!channels.TryReadWord(port, out uint word))
        {
            line.Text("?     "u8);
            return;
        }

        line.Text((word & (1u << EventChannelTable.BusyBit)) != 0 ? "B "u8 : "  "u8);
        if ((word & (1u << EventChannelTable.LinkedBit)) == 0)
        {
            line.Text("-   "u8);
            return;
        }

        uint link = word & EventChannelTable.LinkMask;
        line.Decimal(link);
        for (uint bound = 1000; bound > 1 && link < bound; bound /= 10)
            line.Text(" "u8);
    }

    // Right-aligned in four columns.
    private static LogLine Align(LogLine line, uint number)
    {
        for (uint bound = 1000; bound > 1 && number < bound; bound /= 10)
            line.Text(" "u8);
        return line;
    }
}
