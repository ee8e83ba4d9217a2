// SPDX-License-Identifier: MIT
// An option of a command, as its row in the table declares it. Read by ParsedOptions, Help, Completion and ManualPage.

namespace XenSharp.Xl.Frame;

/// <param name="Letter">The short form; 0 if it has none.</param>
/// <param name="Name">The long form without its dashes; null if it has none.</param>
/// <param name="Argument">What its value is called; null if it takes none.</param>
public sealed record Option(char Letter, string? Name, string? Argument, string Description)
{
    /// <summary>By what a command asks for it: the long name, or the letter if there is none.</summary>
    public string Key => Name ?? Letter.ToString();

    /// <summary>Another long form of the same option.</summary>
    public string? Alias { get; init; }

    /// <summary>The forms as one types them: <c>-d DOMAIN, --domain=DOMAIN</c>.</summary>
    public string Forms
    {
        get
        {
            string letter = Letter == 0 ? "" : Argument is null ? $"-{Letter}" : $"-{Letter} {Argument}";
            string name = Name is null ? "" : Argument is null ? $"--{Name}" : $"--{Name}={Argument}";
            return letter.Length > 0 && name.Length > 0 ? $"{letter}, {name}" : letter + name;
        }
    }

    public static Option Flag(char letter, string? name, string description) => new(letter, name, null, description);

    public static Option Flag(char letter, string description) => new(letter, null, null, description);

    public static Option Flag(string name, string description) => new('\0', name, null, description);

    public static Option Value(char letter, string? name, string argument, string description) => new(letter, name, argument, description);

    public static Option Value(char letter, string argument, string description) => new(letter, null, argument, description);
}
