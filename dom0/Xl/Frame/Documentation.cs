// SPDX-License-Identifier: MIT
// `xl help` in all its forms: for people, for bash and for man, all from the command table. Used by XlProgram.

using System.IO;

namespace XenSharp.Xl.Frame;

internal static class Documentation
{
    /// <param name="words">What follows the word help.</param>
    public static int Write(string[] words, TextWriter output)
    {
        switch (words)
        {
            case [] or ["help", ..]:
                Help.WriteAll(output);
                break;
            case ["--long"]:
                Help.WriteLong(output);
                break;
            case ["--long", string name, ..]:
                return Write([name], output);
            case ["--completion" or "--bash-completion", ..]:
                Completion.Write(output);
                break;
            case ["--manual", ..]:
                ManualPage.Write(output);
                break;
            case [string name, ..] when CommandTable.Find(name) is { } command:
                Help.Write(output, command);
                break;
            default:
                output.Write($"command \"{words[0]}\" not implemented\n");
                break;
        }
        return 0;
    }
}
