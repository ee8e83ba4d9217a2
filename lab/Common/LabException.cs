// SPDX-License-Identifier: MIT
// The one exception that means "tell the user this sentence and stop"; thrown everywhere in the lab, printed by Program.

using System;

namespace XenSharp.Lab.Common;

/// <summary>A failure with a sentence for the user: what went wrong, whose fault, and what to do next.</summary>
public sealed class LabException : Exception
{
    public LabException(string sentence, int exitStatus = ExitStatus.Failed) : base(sentence) => Status = exitStatus;

    /// <summary>What the process exits with.</summary>
    public int Status { get; }
}

/// <summary>The launcher's exit statuses; below <see cref="MachineFailed"/> they can also be those of the command of --exec.</summary>
public static class ExitStatus
{
    public const int Failed = 1;

    /// <summary>An option or argument is wrong.</summary>
    public const int Usage = 2;

    /// <summary>The machine hung, panicked or ended before --exec's command had finished.</summary>
    public const int MachineFailed = 125;
}
