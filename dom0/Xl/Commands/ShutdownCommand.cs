// SPDX-License-Identifier: MIT
// shutdown: asks domains to shut down. Row of CommandTable.

using System.Threading.Tasks;
using XenSharp.Xl.Frame;
using static XenSharp.Xl.Frame.Option;

namespace XenSharp.Xl.Commands;

internal static class ShutdownCommand
{
    public static Command Row { get; } = new("shutdown", "Ask a domain to shut down", "[options] <-a|Domain>", RunAsync)
    {
        Modifies = true,
        Options =
        [
            Flag('a', "all", "All guests."),
            Flag('w', "wait", "Wait until they have."),
            Flag('F', "Press the ACPI power button of an HVM guest without PV drivers."),
        ],
    };

    private static Task<int> RunAsync(Invocation call) => ShutdownRequest.RunAsync(call, "poweroff", "Shutting down", "shutdown");
}
