// SPDX-License-Identifier: MIT
// The names under which this program can be called. A new tool is a project with a `RunAsync(string name, string[] arguments)` and a line here.

using System;
using XenSharp.Consoled;
using XenSharp.XenstoreTools;
using XenSharp.Xl.Frame;

namespace XenSharp.Tools;

internal static class ToolTable
{
    public static readonly Tool[] All =
    [
        new("xenconsole", "joins this terminal to a guest's console", ConsoleTools.RunAsync),
        new("xenconsoled", "serves the guests' consoles", ConsoleTools.RunAsync),
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
        new("xl", "manages domains", XlProgram.RunAsync),
    ];

    public static Tool? Find(string name) => Array.Find(All, tool => tool.Name == name);
}
