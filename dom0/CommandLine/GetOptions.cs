// SPDX-License-Identifier: MIT
// Options as getopt_long(3) takes them: bundled letters, abbreviated long names, options behind words, `--`. Used by every program that keeps Xen's options.

using System;
using System.Collections.Generic;

namespace XenSharp.CommandLine;

public enum OptionValue
{
    None,
    Needed,
    /// <summary>May be missing, and is there only if it is joined to the option.</summary>
    Joined,
}

/// <param name="Id">What the program knows the option by; forms with the same one are the same option.</param>
/// <param name="Letter">0 if it has none.</param>
/// <param name="Name">Without its dashes; null if it has none.</param>
public readonly record struct OptionForm(int Id, char Letter, string? Name, OptionValue Value)
{
    /// <summary>How a message names it.</summary>
    public string Shown => Letter == 0 ? $"--{Name}" : Letter.ToString();
}

/// <summary>An option that there is not, or one that is used wrongly. The message is getopt's, without the program's name.</summary>
/// <param name="form">The option, if there is one of that name.</param>
/// <param name="shown">How the option is named.</param>
/// <param name="hasValue">It takes none and was given one.</param>
public sealed class OptionException(string message, OptionForm? form, string shown, bool hasValue = false) : FormatException(message)
{
    public OptionForm? Form => form;

    public string Shown => shown;

    public bool HasValue => hasValue;
}

public sealed class GetOptions(IReadOnlyList<OptionForm> forms)
{
    /// <summary>Options whose identities are letters.</summary>
    /// <param name="letters">As for getopt: a letter, with a colon behind it for a value, with two for a value that must be joined to it.</param>
    /// <param name="names">NAME:LETTER, NAME=LETTER for one with a value, NAME?LETTER for one whose value may be missing; a letter that is not among the others is no option itself.</param>
    public GetOptions(string letters, string[] names)
        : this(FormsOf(letters, names))
    {
    }

    /// <summary>The options in their order; an option without a value has an empty one.</summary>
    /// <param name="words">What is no option.</param>
    /// <exception cref="OptionException"/>
    public List<(char Option, string Value)> Parse(string[] arguments, out List<string> words)
    {
        List<(char, string)> options = [];
        words = [];
        foreach ((OptionForm form, string? value) in Read(arguments, words))
            options.Add(((char)form.Id, value ?? ""));
        return options;
    }

    /// <summary>One option after the other, as far as the caller goes on; words are added as they are met.</summary>
    /// <exception cref="OptionException"/>
    public IEnumerable<(OptionForm Form, string? Value)> Read(string[] arguments, List<string> words)
    {
        for (int index = 0; index < arguments.Length; index++)
        {
            string argument = arguments[index];
            if (argument == "--")
            {
                words.AddRange(arguments[(index + 1)..]);
                break;
            }
            if (argument.StartsWith("--", StringComparison.Ordinal))
            {
                yield return ReadName(argument[2..], arguments, ref index);
                continue;
            }
            if (argument.Length < 2 || argument[0] != '-')
            {
                words.Add(argument);
                continue;
            }
            for (int place = 1; place < argument.Length; place++)
            {
                OptionForm form = FindLetter(argument[place]);
                string? value = form.Value == OptionValue.None ? null : RestOrNext(form, argument[(place + 1)..], arguments, ref index);
                yield return (form, value);
                if (form.Value != OptionValue.None)
                    break;
            }
        }
    }

    private static string? RestOrNext(OptionForm form, string rest, string[] arguments, ref int index)
    {
        if (rest.Length > 0)
            return rest;
        if (form.Value == OptionValue.Joined)
            return null;
        return ++index < arguments.Length ? arguments[index] : throw new OptionException($"option requires an argument -- '{form.Letter}'", form, form.Shown);
    }

    private (OptionForm, string?) ReadName(string text, string[] arguments, ref int index)
    {
        int equals = text.IndexOf('=');
        OptionForm form = FindName(equals < 0 ? text : text[..equals]);
        if (equals >= 0)
            return form.Value != OptionValue.None ? (form, text[(equals + 1)..]) : throw new OptionException($"option '--{form.Name}' doesn't allow an argument", form, form.Shown, hasValue: true);
        if (form.Value != OptionValue.Needed)
            return (form, null);
        return ++index < arguments.Length ? (form, arguments[index]) : throw new OptionException($"option '--{form.Name}' requires an argument", form, form.Shown);
    }

    private OptionForm FindLetter(char letter)
    {
        foreach (OptionForm form in forms)
        {
            if (form.Letter == letter)
                return form;
        }
        throw new OptionException($"invalid option -- '{letter}'", null, letter.ToString());
    }

    /// <summary>By the whole name, or by the beginning of one option's name only.</summary>
    private OptionForm FindName(string name)
    {
        OptionForm? found = null;
        bool isAmbiguous = false;
        foreach (OptionForm form in forms)
        {
            if (form.Name == name)
                return form;
            if (form.Name is null || !form.Name.StartsWith(name, StringComparison.Ordinal))
                continue;
            isAmbiguous |= found is { } other && other.Id != form.Id;
            found = form;
        }
        if (isAmbiguous)
            throw new OptionException($"option '--{name}' is ambiguous", null, $"--{name}");
        return found ?? throw new OptionException($"unrecognized option '--{name}'", null, $"--{name}");
    }

    private static List<OptionForm> FormsOf(string letters, string[] names)
    {
        List<OptionForm> forms = [];
        for (int place = 0; place < letters.Length; place++)
        {
            int colons = letters.AsSpan(place + 1).IndexOfAnyExcept(':') is >= 0 and int count ? count : letters.Length - place - 1;
            forms.Add(new OptionForm(letters[place], letters[place], null, (OptionValue)colons));
            place += colons;
        }
        foreach (string name in names)
        {
            char letter = letters.Contains(name[^1]) ? name[^1] : '\0';
            forms.Add(new OptionForm(name[^1], letter, name[..^2], name[^2] switch { '=' => OptionValue.Needed, '?' => OptionValue.Joined, _ => OptionValue.None }));
        }
        return forms;
    }
}
