// SPDX-License-Identifier: MIT
// The options of an xl command, from its row in the table. Used by XlProgram.

using System;
using System.Collections.Generic;
using System.Linq;
using XenSharp.CommandLine;

namespace XenSharp.Xl.Frame;

/// <summary>What the user typed behind the command's name.</summary>
public sealed class ParsedOptions
{
    private readonly List<(string Key, string? Value)> _options = [];
    private readonly List<string> _words = [];

    /// <summary>The words that are no options, in their order.</summary>
    public IReadOnlyList<string> Words => _words;

    /// <summary>Reads up to the end, or to the first request for help, which is then the last option.</summary>
    /// <exception cref="OptionException"/>
    public static ParsedOptions Read(IEnumerable<Option> options, string[] arguments)
    {
        Option[] known = [.. options];
        ParsedOptions parsed = new();
        foreach ((OptionForm form, string? value) in new GetOptions(FormsOf(known)).Read(arguments, parsed._words))
        {
            parsed._options.Add((known[form.Id].Key, value));
            if (known[form.Id].Key == "help")
                break;
        }
        return parsed;
    }

    public bool Has(string key) => _options.Exists(option => option.Key == key);

    /// <summary>The last value given; null if the option was not.</summary>
    public string? Value(string key) => _options.FindLast(option => option.Key == key).Value;

    /// <summary>All values given, in their order.</summary>
    public IEnumerable<string> Values(string key) => _options.Where(option => option.Key == key).Select(option => option.Value!);

    private static List<OptionForm> FormsOf(Option[] options)
    {
        List<OptionForm> forms = [];
        for (int index = 0; index < options.Length; index++)
        {
            Option option = options[index];
            OptionValue value = option.Argument is null ? OptionValue.None : OptionValue.Needed;
            forms.Add(new OptionForm(index, option.Letter, option.Name, value));
            if (option.Alias is { } alias)
                forms.Add(new OptionForm(index, option.Letter, alias, value));
        }
        return forms;
    }
}
