// SPDX-License-Identifier: MIT
// The part of dom0's ramdisk that is new for each machine: the command of --exec, or the terminal's kind and size. Used by the run command.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;

namespace XenSharp.Lab.Ramdisk;

/// <summary>A small cpio archive to be joined behind the ramdisk; its files lie in <c>/session</c>, where the ramdisk's start script looks.</summary>
public static class SessionSegment
{
    /// <summary>A word that marks the frames of one machine, so that nothing the command prints can be taken for one.</summary>
    public static string NewToken() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));

    public static byte[] ForCommand(string command, string token)
    {
        CpioWriter archive = new();
        archive.AddFile("session/command", command + "\n");
        archive.AddFile("session/token", token + "\n");
        return archive.Finish();
    }

    /// <summary>Commands of one line each, whose output and status are sent one by one: <c>== COMMAND</c>, its output, <c>-- status N</c>.</summary>
    /// <param name="functions">Shell functions for all of them.</param>
    public static byte[] ForSteps(IEnumerable<string> steps, string functions, string token)
    {
        CpioWriter archive = new();
        archive.AddFile("session/steps", string.Concat(steps.Select(step => step + "\n")));
        archive.AddFile("session/functions", functions);
        archive.AddFile("session/token", token + "\n");
        return archive.Finish();
    }

    public static byte[] ForTerminal(string? type, int columns, int rows)
    {
        CpioWriter archive = new();
        string size = columns > 0 && rows > 0 ? $"stty rows {rows} cols {columns} < /dev/hvc0 2> /dev/null\n" : "";
        archive.AddFile("session/terminal", $"export TERM={SafeType(type)}\n{size}");
        return archive.Finish();
    }

    private static string SafeType(string? type)
    {
        foreach (char letter in type ?? "")
        {
            if (!char.IsAsciiLetterOrDigit(letter) && letter is not ('-' or '_' or '+' or '.'))
                return "vt100";
        }
        return string.IsNullOrEmpty(type) ? "vt100" : type;
    }
}
