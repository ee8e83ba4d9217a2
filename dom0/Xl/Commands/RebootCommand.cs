// SPDX-License-Identifier: MIT
// reboot: asks domains to restart. Row of CommandTable.

using System.Threading.Tasks;
using XenSharp.Xl.Frame;
using static XenSharp.Xl.Frame.Option;

namespace XenSharp.Xl.Commands;

internal static class RebootCommand
{
    public static Command Row { get; } = new("reboot", "Ask a domain to restart", "[options] <-a|Domain>", RunAsync)
    {
        Modifies = true,
        Options =
        [
            Flag('a', "all", "All guests."),
            Flag('w', "wait", "Wait until they have."),
            Flag('F', "Press the ACPI reset button of an HVM guest without PV drivers."),
        ],
    };

    private static Task<int> RunAsync(Invocation call) => ShutdownRequest.RunAsync(call, "reboot", "Rebooting", "reboot");
}
