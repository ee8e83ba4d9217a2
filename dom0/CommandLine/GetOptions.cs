// SPDX-License-Identifier: MIT
// Options as getopt_long(3) takes them: bundled letters, abbreviated long names, options behind words, `--`. Used by the tools that keep Xen's options.

using System;
using System.Collections.Generic;

namespace XenSharp.CommandLine;

/// <param name="letters">As for getopt: a letter, with a colon behind it for a value, with two for a value that must be joined to it.</param>
/// <param name="names">NAME:LETTER, NAME=LETTER for one with a value, NAME?LETTER for one whose value may be missing.</param>
public sealed class GetOptions(string letters, string[] names)
{
    private enum Value
    {
        None,
        Needed,
        Optional,
    }

    /// <summary>The options in their order; an option without a value has an empty one.</summary>
    /// <param name="words">What is no option.</param>
    /// <exception cref="FormatException">As getopt's message, without the program's name.</exception>
    public List<(char Option, string Value)> Parse(string[] arguments, out List<string> words)
    {
        List<(char, string)> options = [];
        words = [];
        for (int index = 0; index < arguments.Length; index++)
        {
            string argument = arguments[index];
            if (argument == "--")
            {
                words.AddRange(arguments[(index + 1)..]);
                break;
            }
            if (argument.StartsWith("--", StringComparison.Ordinal))
                options.Add(ParseName(argument[2..], arguments, ref index));
            else if (argument.Length > 1 && argument[0] == '-')
                ParseLetters(argument, arguments, ref index, options);
            else
                words.Add(argument);
        }
        return options;
    }

    private (char, string) ParseName(string text, string[] arguments, ref int index)
    {
        int equals = text.IndexOf('=');
        string name = equals < 0 ? text : text[..equals];
        string? found = null;
        foreach (string candidate in names)
        {
            string full = candidate[..^2];
            if (full == name)
            {
                found = candidate;
                break;
            }
            if (!full.StartsWith(name, StringComparison.Ordinal))
                continue;
            found = found is null ? candidate : throw new FormatException($"option '--{name}' is ambiguous");
        }
        if (found is null)
            throw new FormatException($"unrecognized option '--{name}'");
        Value kind = found[^2] switch { '=' => Value.Needed, '?' => Value.Optional, _ => Value.None };
        if (equals >= 0)
            return kind != Value.None ? (found[^1], text[(equals + 1)..]) : throw new FormatException($"option '--{found[..^2]}' doesn't allow an argument");
        if (kind != Value.Needed)
            return (found[^1], "");
        return ++index < arguments.Length ? (found[^1], arguments[index]) : throw new FormatException($"option '--{found[..^2]}' requires an argument");
    }

    private void ParseLetters(string argument, string[] arguments, ref int index, List<(char, string)> options)
    {
        for (int place = 1; place < argument.Length; place++)
        {
            char letter = argument[place];
            int at = letter == ':' ? -1 : letters.IndexOf(letter);
            if (at < 0)
                throw new FormatException($"invalid option -- '{letter}'");
            bool takesValue = at + 1 < letters.Length && letters[at + 1] == ':';
            if (!takesValue)
            {
                options.Add((letter, ""));
                continue;
            }
            bool isOptional = at + 2 < letters.Length && letters[at + 2] == ':';
            if (place + 1 < argument.Length || isOptional)
                options.Add((letter, argument[(place + 1)..]));
            else
                options.Add((letter, ++index < arguments.Length ? arguments[index] : throw new FormatException($"option requires an argument -- '{letter}'")));
            return;
        }
    }
}
