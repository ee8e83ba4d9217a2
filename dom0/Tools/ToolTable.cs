// SPDX-License-Identifier: MIT
// The names under which this program can be called. A new tool is a project with a `RunAsync(string name, string[] arguments)` and a line here.

using System;
using XenSharp.Consoled;
using XenSharp.Inspection;
using XenSharp.XenstoreTools;
using XenSharp.Xl.Commands;
using XenSharp.Xl.Frame;

namespace XenSharp.Tools;

internal static class ToolTable
{
    public static readonly Tool[] All =
    [
        new("lsevtchn", "lists the event channels of a domain", InspectionTools.RunAsync),
        new("xen-cpuid", "prints feature sets and CPU policies", InspectionTools.RunAsync),
        new("xen-hvmctx", "prints the saved state of a domain", InspectionTools.RunAsync),
        new("xenconsole", "joins this terminal to a guest's console", ConsoleTools.RunAsync),
        new("xenconsoled", "serves the guests' consoles", ConsoleTools.RunAsync),
        new("xenctx", "prints registers, code and stack of a domain's vCPUs", InspectionTools.RunAsync),
        new("xenhypfs", "reads and writes the hypervisor's file system", InspectionTools.RunAsync),
        new("xenstore", "the xenstore tools by their short names (xenstore ls, ...)", XenstoreTool.RunAsync),
        new("xenstore-chmod", "sets permissions in xenstore", XenstoreTool.RunAsync),
        new("xenstore-control", "talks to the xenstore daemon", XenstoreTool.RunAsync),
        new("xenstore-exists", "whether paths are in xenstore", XenstoreTool.RunAsync),
        new("xenstore-list", "lists the children of a path", XenstoreTool.RunAsync),
        new("xenstore-ls", "prints a part of xenstore", XenstoreTool.RunAsync),
        new("xenstore-read", "prints values", XenstoreTool.RunAsync),
        new("xenstore-rm", "removes paths", XenstoreTool.RunAsync),
        new("xenstore-watch", "prints changes as they happen", XenstoreTool.RunAsync),
        new("xenstore-write", "sets values", XenstoreTool.RunAsync),
        new("xentop", "shows what the domains use, again and again", InspectionTools.RunAsync),
        new("xl", "manages domains", XlProgram.RunAsync),
        new("xl-monitor", "acts on the end of a domain; started by xl create", MonitorProgram.RunAsync),
    ];

    public static Tool? Find(string name) => Array.Find(All, tool => tool.Name == name);
}
