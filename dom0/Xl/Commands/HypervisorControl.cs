// SPDX-License-Identifier: MIT
// dmesg, debug-keys and set-parameters: the hypervisor itself. Rows of CommandTable.

using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using XenSharp.Control;
using XenSharp.Xl.Frame;
using static XenSharp.Xl.Frame.Option;

namespace XenSharp.Xl.Commands;

internal static class HypervisorControl
{
    public static Command Dmesg { get; } = new("dmesg", "Show the hypervisor's log", "[-c]", call =>
    {
        call.Output.Write(call.Host.Hypervisor.ReadLog(clears: call.Has("clear")));
        return Task.FromResult(0);
    })
    {
        Options = [Flag('c', "clear", "Empty the log as well.")],
    };

    public static Command DebugKeys { get; } = new("debug-keys", "Press debug keys of the hypervisor", "<Keys>", call =>
        TellAsync($"cannot send debug keys: {call.Words[0]}", () => call.Host.Hypervisor.SendDebugKeys(call.Words[0])))
    {
        RequiredWords = 1,
        Modifies = true,
    };

    public static Command SetParameters { get; } = new("set-parameters", "Set parameters of the running hypervisor", "<Params>", call =>
        TellAsync($"cannot set parameters: {call.Words[0]}", () =>
        {
            foreach ((string name, string value) in Split(call.Words[0]))
                call.Host.Hypervisor.WriteNode($"/params/{name}", value);
        }))
    {
        RequiredWords = 1,
        Modifies = true,
        Notes = "Parameters are those of the hypervisor's command line: name=value, name, or noname, parted by spaces.",
    };

    /// <summary>Parameters of a command line: a name without a value is "yes", one that begins with "no" is the rest of it with "no".</summary>
    private static IEnumerable<(string Name, string Value)> Split(string text)
    {
        foreach (string word in text.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            yield return equals >= 0 ? (word[..equals], word[(equals + 1)..]) : word.StartsWith("no", StringComparison.Ordinal) ? (word[2..], "no") : (word, "yes");
        }
    }

    private static Task<int> TellAsync(string refusal, Action action)
    {
        try
        {
            action();
            return Task.FromResult(0);
        }
        catch (HypercallException failure)
        {
            throw new XlException($"{failure.Message}\n{refusal}");
        }
    }
}
