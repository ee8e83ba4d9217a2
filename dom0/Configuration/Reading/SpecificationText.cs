// SPDX-License-Identifier: MIT
// Cuts the text of a device into its parameters.
using System;
using System.Collections.Generic;

namespace XenSharp.Configuration.Reading;

/// <summary>One parameter of a device's text.</summary>
/// <param name="Key">What stands before the first '=', or all of it.</param>
/// <param name="Value">What stands behind it; null without one.</param>
/// <param name="Position">Where it stands in the file.</param>
internal readonly record struct Parameter(string Key, string? Value, SourcePosition Position)
{
    public override string ToString() => Value is null ? Key : $"{Key}={Value}";
}

internal static class SpecificationText
{
    /// <summary>The parameters between commas, without blanks before them. Empty ones do not count.</summary>
    public static IEnumerable<Parameter> Parameters(TextValue text)
    {
        int at = 0;
        foreach (string part in text.Text.Split(','))
        {
            string parameter = part.TrimStart(' ');
            if (part.Length > 0)
            {
                int equals = parameter.IndexOf('=');
                SourcePosition position = text.At(at + part.Length - parameter.Length);
                yield return equals < 0 ? new Parameter(parameter, null, position) : new Parameter(parameter[..equals], parameter[(equals + 1)..], position);
            }
            at += part.Length + 1;
        }
    }

    /// <summary>atoi of C: the number that a text begins with, 0 without one.</summary>
    public static int Atoi(string text)
    {
        int at = 0;
        if (!CNumber.TryRead(text, ref at, 10, out ulong magnitude, out bool isNegative)) return 0;
        return isNegative ? -(int)Math.Min(magnitude, int.MaxValue) : (int)Math.Min(magnitude, int.MaxValue);
    }
}
