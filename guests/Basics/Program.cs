// SPDX-License-Identifier: MIT
// The kernel of the boot tests: the first word of its command line says what it does.

using System.Runtime;
using XenSharp.Guests;

namespace XenSharp.Guests.Basics;

internal static class Program
{
    private static void Main() { }

    [RuntimeExport("xs_guest_main")]
    private static void Run()
    {
        Hypercall.Trace(StartInfo.Has("trace"u8));
        Report.Line("hello from a PVH kernel"u8);
        if (StartInfo.Has("fault"u8))
            Machine.RaiseUndefined();
        Machine.End();
    }
}
