// SPDX-License-Identifier: MIT
// create: a domain from its configuration file. Row of CommandTable.

using System.Threading.Tasks;
using XenSharp.Xl.Frame;
using static XenSharp.Xl.Frame.Option;

namespace XenSharp.Xl.Commands;

internal static class CreateCommand
{
    public static Command Row { get; } = new("create", "Create a domain from a configuration file", "<ConfigFile> [options] [vars]", RunAsync)
    {
        CanDryRun = true,
        Modifies = true,
        Options =
        [
            Flag('c', "Connect this terminal to the new domain's console."),
            Flag('d', "Print debug messages."),
            Flag('e', "Do not wait in the background for the domain's end."),
            Flag('F', "Stay in the foreground until the domain ends."),
            Value('f', "defconfig", "FILE", "Use this configuration file."),
            Flag('n', "dryrun", "Show the configuration and do nothing; as the global option -N."),
            Flag('p', "Leave the domain paused."),
            Flag('q', "quiet", "Say nothing that is not an error."),
            Flag('V', "vncviewer", "Connect to the VNC display once the domain runs."),
            Flag('A', "vncviewer-autopass", "Give the VNC password to the viewer on its input."),
            Flag("ignore-global-affinity-masks", "Do not apply the CPU masks of xl.conf."),
        ],
    };

    private static Task<int> RunAsync(Invocation call) => Task.FromException<int>(new XlException($"xl {call.Command.Name}: not supported yet."));
}
