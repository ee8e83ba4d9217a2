// SPDX-License-Identifier: MIT
// destroy: the end of a domain without asking it. Row of CommandTable.

using System.Threading.Tasks;
using XenSharp.Xl.Frame;
using static XenSharp.Xl.Frame.Option;

namespace XenSharp.Xl.Commands;

internal static class DestroyCommand
{
    public static Command Row { get; } = new("destroy", "End a domain at once", "[options] <Domain>", RunAsync)
    {
        RequiredWords = 1,
        Modifies = true,
        Options = [Flag('f', "Even domain 0, where another domain is the hardware domain.")],
    };

    private static Task<int> RunAsync(Invocation call) => Task.FromException<int>(new XlException($"xl {call.Command.Name}: not supported yet."));
}
