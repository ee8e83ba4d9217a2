// SPDX-License-Identifier: MIT
// The options before the command's name, as getopt("+vftTN") reads them. Used by XlProgram.

using System;

namespace XenSharp.Xl.Frame;

public sealed record GlobalOptions
{
    /// <summary>-v, as often as it is given.</summary>
    public int Verbosity { get; private init; }

    /// <summary>-N: show what would be done.</summary>
    public bool IsDryRun { get; init; }

    /// <summary>-f.</summary>
    public bool IsForced { get; private init; }

    /// <summary>-t: progress on one line.</summary>
    public bool ProgressOnOneLine { get; private init; }

    /// <summary>-T: messages with their time.</summary>
    public bool HasTimestamps { get; private init; }

    /// <summary>--help.</summary>
    public bool WantsHelp { get; private init; }

    /// <param name="count">How many words were options.</param>
    /// <param name="wrong">The letter that is none of them; 0 if all are.</param>
    public static GlobalOptions Read(ReadOnlySpan<string> arguments, out int count, out char wrong)
    {
        GlobalOptions options = new();
        wrong = '\0';
        for (count = 0; count < arguments.Length; count++)
        {
            string word = arguments[count];
            if (word == "--")
            {
                count++;
                break;
            }
            if (word == "--help")
            {
                options = options with { WantsHelp = true };
                continue;
            }
            if (word.Length < 2 || word[0] != '-')
                break;
            foreach (char letter in word.AsSpan(1))
            {
                GlobalOptions? next = letter switch
                {
                    'v' => options with { Verbosity = options.Verbosity + 1 },
                    'N' => options with { IsDryRun = true },
                    'f' => options with { IsForced = true },
                    't' => options with { ProgressOnOneLine = true },
                    'T' => options with { HasTimestamps = true },
                    'h' => options with { WantsHelp = true },
                    _ => null,
                };
                if (next is null)
                {
                    wrong = letter;
                    return options;
                }
                options = next;
            }
        }
        return options;
    }
}
