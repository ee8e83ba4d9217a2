// SPDX-License-Identifier: MIT
// libxl's names of a choice's values, which its JSON prints and which stand in xl.cfg.
using System;
using System.Text;

namespace XenSharp.Configuration;

/// <summary>libxl's name of each value of <typeparamref name="T"/>: lower case, words joined by underscores.</summary>
public static class EnumNames<T> where T : struct, Enum
{
    private static readonly T[] Values = Enum.GetValues<T>();
    private static readonly string[] Names = Array.ConvertAll(Enum.GetNames<T>(), ToSnakeCase);

    /// <summary>All names, for messages.</summary>
    public static string All => string.Join(", ", Names);

    /// <summary>The name of a value that the type has.</summary>
    public static string NameOf(T value) => Names[Array.IndexOf(Values, value)];

    /// <summary>Finds the value; upper and lower case count as one, as in libxl.</summary>
    public static bool TryParse(string name, out T value)
    {
        int index = Array.FindIndex(Names, candidate => candidate.Equals(name, StringComparison.OrdinalIgnoreCase));
        value = index < 0 ? default : Values[index];
        return index >= 0;
    }

    private static string ToSnakeCase(string name)
    {
        var result = new StringBuilder();
        foreach (char letter in name)
        {
            if (char.IsAsciiLetterUpper(letter) && result.Length > 0) result.Append('_');
            result.Append(char.ToLowerInvariant(letter));
        }
        return result.ToString();
    }
}
