// SPDX-License-Identifier: MIT
// The end of a command that cannot go on: a sentence for the user and an exit code. Thrown by commands, printed by XlProgram.

using System;

namespace XenSharp.Xl.Frame;

public sealed class XlException(string message, int exitCode = 1) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}

/// <summary>Words that do not fit the command: its help follows the message.</summary>
public sealed class UsageException(string message, int exitCode) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
