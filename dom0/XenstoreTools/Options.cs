// SPDX-License-Identifier: MIT
// The options of Xen's xenstore client, and --json. Used by Program.

using System;
using System.Collections.Generic;
using XenSharp.CommandLine;

namespace XenSharp.XenstoreTools;

internal sealed class UsageException(string message) : Exception(message);

internal sealed class Options
{
    public bool IsFlat { get; private set; }

    public bool HasPrefix { get; private set; }

    public bool IsTidy { get; private set; }

    public bool IsUpto { get; private set; }

    public bool IsRecursive { get; private set; }

    public bool IsRaw { get; private set; }

    public bool IsJson { get; private set; }

    public int Count { get; private set; } = -1;

    public List<string> Words { get; private set; } = [];

    /// <param name="name">The program's name in the text of a wrong use.</param>
    public static Options Parse(string mode, string name, string[] arguments)
    {
        Options options = new();
        GetOptions forms = mode switch
        {
            "read" => new("hspR", ["help:h", "prefix:p", "raw:R", "json:j"]),
            "write" => new("hsR", ["help:h", "raw:R"]),
            "list" => new("hsp", ["help:h", "prefix:p", "json:j"]),
            "ls" => new("hsfp", ["help:h", "flat:f", "prefix:p", "json:j"]),
            "rm" => new("hst", ["help:h", "tidy:t"]),
            "chmod" => new("hsur", ["help:h", "upto:u", "recurse:r"]),
            "watch" => new("hsn:", ["help:h", "number=n", "json:j"]),
            _ => new("hs", ["help:h"]),
        };
        try
        {
            List<(char, string)> given = forms.Parse(arguments, out List<string> words);
            options.Words = words;
            foreach ((char option, string value) in given)
                options.Set(option, value, mode, name);
        }
        catch (OptionException failure)
        {
            throw new UsageException($"{failure.Message}\n{Usage(mode, name).Message}");
        }
        return options;
    }

    public static UsageException Usage(string mode, string name) => new("Usage: " + mode switch
    {
        "read" => $"{name} [-h] [-p] [-s] [-R] [--json] key [...]",
        "write" => $"{name} [-h] [-s] [-R] key value [...]",
        "rm" => $"{name} [-h] [-s] [-t] key [...]",
        "exists" => $"{name} [-h] [-p] [-s] key [...]",
        "list" => $"{name} [-h] [-p] [-s] [--json] key [...]",
        "ls" => $"{name} [-h] [-f] [-p] [-s] [--json] [path]",
        "chmod" => $"{name} [-h] [-u] [-r] [-s] key <mode [modes...]>",
        "watch" => $"{name} [-h] [-n NR] [--json] key",
        "control" => $"\n{name} <command> [<arg>...]",
        _ => $"{name} <mode> [-h] [...]",
    });

    private void Set(char letter, string value, string mode, string name)
    {
        switch (letter)
        {
            case 's': break;
            case 'f': IsFlat = true; break;
            case 'p': HasPrefix = true; break;
            case 't': IsTidy = true; break;
            case 'u': IsUpto = true; break;
            case 'r': IsRecursive = true; break;
            case 'R': IsRaw = true; break;
            case 'j': IsJson = true; break;
            case 'n' when int.TryParse(value, out int count): Count = count; break;
            default: throw Usage(mode, name);
        }
    }
}
