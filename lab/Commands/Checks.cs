// SPDX-License-Identifier: MIT
// Options whose values are checked while they are parsed, so that a wrong one is named before anything is built. Used by all commands.

using System;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace XenSharp.Lab.Commands;

internal static class Checks
{
    /// <summary>An option with a whole number between two bounds.</summary>
    public static Option<int> Number(string name, string description, string helpName, int usual, int least, int most)
    {
        return new Option<int>(name)
        {
            Description = $"{description} ({least} to {most})",
            HelpName = helpName,
            DefaultValueFactory = _ => usual,
            CustomParser = result => Parse(result, name, least, most),
        };
    }

    /// <summary>As <see cref="Number"/>, null when the option is absent.</summary>
    /// <param name="withoutValue">What the option alone means; null when it needs a value.</param>
    public static Option<int?> OptionalNumber(string name, string description, string helpName, int least, int most, int? withoutValue = null)
    {
        return new Option<int?>(name)
        {
            Description = description,
            HelpName = helpName,
            Arity = withoutValue is null ? ArgumentArity.ExactlyOne : ArgumentArity.ZeroOrOne,
            CustomParser = result => result.Tokens.Count == 0 && withoutValue is not null ? withoutValue : Parse(result, name, least, most),
        };
    }

    private static int Parse(ArgumentResult result, string name, int least, int most)
    {
        string text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= least && value <= most)
            return value;
        result.AddError($"{name} wants a whole number from {least} to {most}, not \"{text}\".");
        return 0;
    }
}
