// SPDX-License-Identifier: MIT
// Debug key 'g': grant tables in the form of Xen's (gnttab_usage_print of xen/common/grant_table.c), and whether they agree with each other.

using XenSharp.Core.Console;
using XenSharp.Core.Domains;
using XenSharp.Core.Grants;

namespace XenSharp.Core.Debugging;

/// <summary>Tables are read without stopping anybody, so figures of busy domains may be a moment apart.</summary>
public static class GrantDump
{
    public static void Dump(Host host, Cpu caller)
    {
        HostConsole console = host.Console;
        console.Begin(caller).Text("gnttab_usage_print_all [ key 'g' pressed"u8).End();
        for (Domain? domain = host.Domains.NextFrom(0); domain != null; domain = host.Domains.NextFrom(domain.Id + 1))
        {
            caller.Subject = domain;
            DumpTable(domain.Grants, caller);
        }

        caller.Subject = null;
        GrantCheckResult result = GrantCheck.Run(host);
        console.Begin(caller).Text("grant tables: "u8).Decimal((ulong)result.Uses).Text(" uses, "u8).Decimal((ulong)result.Mappings)
            .Text(" mappings, "u8).Decimal((ulong)result.Faults).Text(" inconsistent"u8).End();
        console.Begin(caller).Text("gnttab_usage_print_all ] done"u8).End();
    }

    private static void DumpTable(GrantTable table, Cpu caller)
    {
        HostConsole console = table.Domain.Host.Console;
        console.Begin(caller).Text("      -------- active --------       -------- shared --------"u8).End();
        console.Begin(caller).Text("[ref] localdom mfn      pin          localdom gmfn     flags"u8).End();
        console.Begin(caller).Text("grant-table for remote d"u8).Decimal((ulong)table.Domain.Id).Text(" (v"u8).Decimal(table.Version).Text(")"u8).End();
        console.Begin(caller).Text("  "u8).Decimal(table.FrameCount).Text(" frames ("u8).Decimal(table.MaxFrames).Text(" max), "u8)
            .Decimal(table.Mappings.FrameCount).Text(" maptrack frames ("u8).Decimal(table.Mappings.MaxFrames).Text(" max)"u8).End();
        bool any = false;
        for (uint reference = 0; reference < table.EntryCount; reference++)
        {
            ActiveGrant active = table.ActiveEntry(reference);
            if (active.Pins == 0)
                continue;
            any = true;
            table.ReadShared(reference, out ushort user, out ulong gfn, out uint flags);
            console.Begin(caller).Text("[0x"u8).Hex(reference, 3).Text("]  "u8).Right(active.User, 5).Text(" 0x"u8).Hex(active.Frame, 6).Text(" 0x"u8)
                .Hex(active.Pins, 8).Text("      "u8).Right(user, 5).Text(" 0x"u8).Hex(gfn, 6).Text(" 0x"u8).Hex(flags, 2).End();
        }

        if (!any)
            console.Begin(caller).Text("no active grant table entries"u8).End();
    }

    private static LogLine Right(this LogLine line, ulong value, int width)
    {
        ulong limit = 10;
        int digits = 1;
        for (; value >= limit && digits < width; limit *= 10)
            digits++;
        for (; digits < width; digits++)
            line.Character((byte)' ');
        return line.Decimal(value);
    }
}
