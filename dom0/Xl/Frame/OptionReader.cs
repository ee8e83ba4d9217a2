// SPDX-License-Identifier: MIT
// Options as getopt_long reads them, which Xen's xl uses: anywhere among the words, combined letters, shortened long names, "--" as the end. Used by XlProgram.

using System;
using System.Collections.Generic;
using System.Linq;

namespace XenSharp.Xl.Frame;

/// <summary>What the user typed behind the command's name.</summary>
public sealed class ParsedOptions
{
    private readonly List<(string Key, string? Value)> _options = [];
    private readonly List<string> _words = [];

    /// <summary>The words that are no options, in their order.</summary>
    public IReadOnlyList<string> Words => _words;

    public bool Has(string key) => _options.Exists(option => option.Key == key);

    /// <summary>The last value given; null if the option was not.</summary>
    public string? Value(string key) => _options.FindLast(option => option.Key == key).Value;

    /// <summary>All values given, in their order.</summary>
    public IEnumerable<string> Values(string key) => _options.Where(option => option.Key == key).Select(option => option.Value!);

    internal void Add(Option option, string? value) => _options.Add((option.Key, value));

    internal void AddWord(string word) => _words.Add(word);
}

/// <summary>An option that the command does not have, or one that is used wrongly.</summary>
/// <param name="wantsHelp">The wrong one is a form of --help.</param>
public sealed class OptionException(string text, bool wantsHelp) : Exception($"option `{text}' not supported.")
{
    public bool WantsHelp { get; } = wantsHelp;
}

public static class OptionReader
{
    /// <summary>Reads up to the end, or to the first request for help, which is then the last option.</summary>
    public static ParsedOptions Read(IEnumerable<Option> options, ReadOnlySpan<string> arguments)
    {
        Option[] known = [.. options];
        ParsedOptions parsed = new();
        for (int index = 0; index < arguments.Length && !parsed.Has("help"); index++)
        {
            string word = arguments[index];
            if (word == "--")
            {
                foreach (string rest in arguments[(index + 1)..])
                    parsed.AddWord(rest);
                break;
            }
            if (word.StartsWith("--", StringComparison.Ordinal))
                ReadLong(known, parsed, word, arguments, ref index);
            else if (word.Length > 1 && word[0] == '-')
                ReadLetters(known, parsed, word, arguments, ref index);
            else
                parsed.AddWord(word);
        }
        return parsed;
    }

    private static void ReadLong(Option[] known, ParsedOptions parsed, string word, ReadOnlySpan<string> arguments, ref int index)
    {
        int equals = word.IndexOf('=', StringComparison.Ordinal);
        string name = equals < 0 ? word[2..] : word[2..equals];
        string? value = equals < 0 ? null : word[(equals + 1)..];
        Option option = FindLong(known, name) ?? throw new OptionException($"--{name}", wantsHelp: false);
        if (option.Argument is null)
        {
            if (value is not null)
                throw new OptionException(option.Letter == 0 ? $"--{option.Name}" : option.Letter.ToString(), option.Letter == 'h');
        }
        else if (value is null)
        {
            if (++index == arguments.Length)
                throw new OptionException(option.Letter == 0 ? $"--{option.Name}" : option.Letter.ToString(), wantsHelp: false);
            value = arguments[index];
        }
        parsed.Add(option, value);
    }

    /// <summary>By the whole name, or by the beginning of one option's name only.</summary>
    private static Option? FindLong(Option[] known, string name)
    {
        Option? exact = Array.Find(known, option => option.Name == name || option.Alias == name);
        if (exact is not null)
            return exact;
        Option[] found = Array.FindAll(known, option => Begins(option.Name, name) || Begins(option.Alias, name));
        return found.Length == 1 ? found[0] : null;

        static bool Begins(string? whole, string beginning) => whole is not null && whole.StartsWith(beginning, StringComparison.Ordinal);
    }

    private static void ReadLetters(Option[] known, ParsedOptions parsed, string word, ReadOnlySpan<string> arguments, ref int index)
    {
        for (int position = 1; position < word.Length; position++)
        {
            char letter = word[position];
            Option option = Array.Find(known, option => option.Letter == letter) ?? throw new OptionException(letter.ToString(), wantsHelp: false);
            if (option.Argument is null)
            {
                parsed.Add(option, null);
                if (option.Key == "help")
                    return;
                continue;
            }
            string? value = position + 1 < word.Length ? word[(position + 1)..] : null;
            if (value is null && ++index < arguments.Length)
                value = arguments[index];
            parsed.Add(option, value ?? throw new OptionException(letter.ToString(), wantsHelp: false));
            return;
        }
    }
}
