// SPDX-License-Identifier: MIT
// `./xensharp symbolize`: source lines for a panic's addresses.

using System;
using System.CommandLine;
using System.IO;
using XenSharp.Lab.Build;
using XenSharp.Lab.Common;
using XenSharp.Lab.Terminal;

namespace XenSharp.Lab.Commands;

internal static class SymbolizeCommand
{
    public static Command Create()
    {
        Option<string> symbols = new("--symbols") { Description = "the file with the symbols", HelpName = "FILE", DefaultValueFactory = _ => Repository.Symbols };
        Command command = new("symbolize", "Read a panic's text on stdin and print it with source lines behind its addresses.") { symbols };
        command.SetAction(parsed =>
        {
            string file = parsed.GetValue(symbols)!;
            if (!File.Exists(file))
                throw new LabException($"There are no symbols at {file}; make them with ./xensharp build, or name them with --symbols.");
            HostConsole.Out.WriteLine(Symbolizer.Explain(Console.In.ReadToEnd().TrimEnd('\n'), file));
            return 0;
        });
        return command;
    }
}
