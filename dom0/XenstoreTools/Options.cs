// SPDX-License-Identifier: MIT
// The options of Xen's xenstore client, and --json. Used by Program.

using System;
using System.Collections.Generic;

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

    public List<string> Words { get; } = [];

    /// <param name="name">The program's name in the text of a wrong use.</param>
    public static Options Parse(string mode, string name, ReadOnlySpan<string> arguments)
    {
        Options options = new();
        bool isEnd = false;
        for (int index = 0; index < arguments.Length; index++)
        {
            string word = arguments[index];
            if (isEnd || word.Length < 2 || word[0] != '-')
            {
                options.Words.Add(word);
                continue;
            }
            if (word == "--")
            {
                isEnd = true;
                continue;
            }
            string letters = word switch
            {
                "--help" => "h", "--flat" => "f", "--prefix" => "p", "--tidy" => "t", "--upto" => "u", "--recurse" => "r", "--number" => "n", "--raw" => "R", "--json" => "j",
                _ => word[1..],
            };
            for (int letter = 0; letter < letters.Length; letter++)
            {
                if (letters[letter] == 'n')
                {
                    string value = letter + 1 < letters.Length ? letters[(letter + 1)..] : ++index < arguments.Length ? arguments[index] : "";
                    options.Count = mode == "watch" && int.TryParse(value, out int count) ? count : throw Usage(mode, name);
                    break;
                }
                options.Set(letters[letter], mode, name);
            }
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

    private void Set(char letter, string mode, string name)
    {
        switch (letter)
        {
            case 's': break;
            case 'f' when mode == "ls": IsFlat = true; break;
            case 'p' when mode is "read" or "list" or "ls": HasPrefix = true; break;
            case 't' when mode == "rm": IsTidy = true; break;
            case 'u' when mode == "chmod": IsUpto = true; break;
            case 'r' when mode == "chmod": IsRecursive = true; break;
            case 'R' when mode is "read" or "write": IsRaw = true; break;
            case 'j' when mode is "read" or "list" or "ls" or "watch": IsJson = true; break;
            default: throw Usage(mode, name);
        }
    }
}
