// SPDX-License-Identifier: MIT
// Costs of operations in instructions, for an emulator that counts them (QEMU: -icount shift=0,sleep=off, where one guest
// instruction is one nanosecond). A figure is the minimum of 15 batches between two readings of the clock, less the reading's own
// cost and the loop's, divided by the number of operations in a batch. Prints `bench NAME COST`, COST in hundredths of an instruction.
// The word `worst` on the command line asks for the longest single runs instead, `peers` for costs with another domain, which gets `peer`.

using System.Runtime;

namespace XenSharp.Guests.Bench;

internal static class Program
{
    private static void Main() { }

    [RuntimeExport("xs_guest_main")]
    private static void Run()
    {
        if (StartInfo.Has("peer"u8))
            Peer.Run();
        Report.Line("== begin"u8);
        if (StartInfo.Has("worst"u8))
            WorstCases.Run();
        else if (StartInfo.Has("peers"u8))
            PeerCosts.Run();
        else
            Costs.Run();
        Report.Line("== end"u8);
        Machine.End();
    }
}
