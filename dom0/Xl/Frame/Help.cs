// SPDX-License-Identifier: MIT
// The texts of `xl help` and `xl COMMAND --help`, in the form of Xen's. Used by XlProgram.

using System;
using System.IO;
using System.Linq;

namespace XenSharp.Xl.Frame;

internal static class Help
{
    private const int OptionColumn = 24, NameColumn = 19;

    public static void WriteAll(TextWriter output)
    {
        output.Write("Usage xl [-vfNtT] <subcommand> [args]\n\nxl full list of subcommands:\n\n");
        foreach (Command command in CommandTable.Commands)
        {
            string name = command.Name.PadRight(NameColumn);
            output.Write(name.Length > NameColumn ? $" {name} \n {"",-NameColumn} {command.Summary}\n" : $" {name} {command.Summary}\n");
        }
    }

    public static void WriteLong(TextWriter output)
    {
        foreach (Command command in CommandTable.Commands)
        {
            Write(output, command);
            output.Write('\n');
        }
    }

    public static void Write(TextWriter output, Command command)
    {
        output.Write($"Usage: xl [-vtT{(command.Modifies ? "f" : "")}{(command.CanDryRun ? "N" : "")}] {command.Name} {command.Usage}\n\n{command.Summary}.\n\n");
        output.Write("Options:\n\n");
        foreach (Option option in command.AllOptions)
            output.Write(Describe(option));
        if (command.Notes is { } notes)
            output.Write($"\n{notes}\n");
    }

    private static string Describe(Option option)
    {
        string indent = "\n" + new string(' ', OptionColumn);
        string text = string.Join(indent, option.Description.Split('\n'));
        return option.Forms.Length < OptionColumn ? $"{option.Forms.PadRight(OptionColumn)}{text}\n" : $"{option.Forms}{indent}{text}\n";
    }
}
