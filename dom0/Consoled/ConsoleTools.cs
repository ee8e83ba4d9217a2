// SPDX-License-Identifier: MIT
// Entry of the two programs of this folder. Called by the multi-call program in ../Tools.

using System.Threading.Tasks;

namespace XenSharp.Consoled;

public static class ConsoleTools
{
    /// <param name="name">xenconsoled or xenconsole.</param>
    /// <returns>The exit status.</returns>
    public static Task<int> RunAsync(string name, string[] arguments) =>
        name == "xenconsole" ? ConsoleClient.RunAsync(name, arguments) : ConsoledProgram.RunAsync(name, arguments);
}
