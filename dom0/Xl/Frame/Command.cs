// SPDX-License-Identifier: MIT
// A row of the command table: everything that help, completion, the manual and the reader of options know of a command. Rows stand in Commands/.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;

namespace XenSharp.Xl.Frame;

/// <param name="Name">As it is typed.</param>
/// <param name="Summary">One sentence without its full stop.</param>
/// <param name="Usage">The words that follow the name.</param>
/// <param name="RunAsync">Does it and returns the exit code. An <see cref="XlException"/> is printed and gives its own.</param>
public sealed record Command(string Name, string Summary, string Usage, Func<Invocation, Task<int>> RunAsync)
{
    private static readonly Option s_help = Option.Flag('h', "help", "Print this help.");

    /// <summary>Its own options, without --help and --json.</summary>
    public IReadOnlyList<Option> Options { get; init; } = [];

    /// <summary>How many words it needs at least.</summary>
    public int RequiredWords { get; init; }

    /// <summary>Takes the global option -N.</summary>
    public bool CanDryRun { get; init; }

    /// <summary>Changes something, so that the global option -f has a meaning.</summary>
    public bool Modifies { get; init; }

    /// <summary>Prints state, so that it takes --json.</summary>
    public bool PrintsState { get; init; }

    /// <summary>What help says below the options.</summary>
    public string? Notes { get; init; }

    public IEnumerable<Option> AllOptions
    {
        get
        {
            IEnumerable<Option> json = PrintsState ? [Option.Flag("json", "Print JSON.")] : [];
            return [.. Options, .. json, s_help];
        }
    }

    /// <summary>Whether its first word is a domain, for completion.</summary>
    public bool TakesDomain => Usage.Split(' ').FirstOrDefault(word => !word.Contains("option", StringComparison.Ordinal))?.Contains("Domain", StringComparison.Ordinal) ?? false;
}
