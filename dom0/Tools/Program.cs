// SPDX-License-Identifier: MIT
// The tools' entry: which tool, by the name that the program was called by or by its first word; and what is told when it fails.

using System;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using XenSharp.Control;

namespace XenSharp.Tools;

internal static class Program
{
    private const string OwnName = "xensharp-tools";

    private static async Task<int> Main(string[] arguments)
    {
        string name = Path.GetFileName(Environment.GetCommandLineArgs()[0]);
        if (ToolTable.Find(name) is { } called)
            return await RunAsync(called, arguments);
        if (arguments is [string first, ..] && ToolTable.Find(first) is { } named)
            return await RunAsync(named, arguments[1..]);
        switch (arguments)
        {
            case ["--names"]:
                foreach (Tool tool in ToolTable.All)
                    Console.WriteLine(tool.Name);
                return 0;
            case ["--help" or "-h"]:
                Help(Console.Out);
                return 0;
            case [string unknown, ..]:
                Console.Error.WriteLine($"{OwnName}: there is no tool \"{unknown}\"; {OwnName} --help lists them.");
                return 2;
            default:
                Help(Console.Error);
                return 2;
        }
    }

    private static async Task<int> RunAsync(Tool tool, string[] arguments)
    {
        try
        {
            return await tool.RunAsync(tool.Name, arguments);
        }
        catch (Exception failure) when (failure is IOException or HypercallException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"{tool.Name}: {failure.Message}");
            return 1;
        }
    }

    private static void Help(TextWriter output)
    {
        int width = ToolTable.All.Max(tool => tool.Name.Length);
        output.WriteLine($"Xen's tools in one program. Call it by a link with a tool's name, or: {OwnName} TOOL ARGUMENTS\n");
        foreach (Tool tool in ToolTable.All)
            output.WriteLine($"  {tool.Name.PadRight(width)}  {tool.Summary}");
        output.WriteLine($"\n  {OwnName} --names prints the names, for links.");
    }
}
