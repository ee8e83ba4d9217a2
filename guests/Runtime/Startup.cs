// SPDX-License-Identifier: MIT
// From the boot code to the kernel's own entry, xs_guest_main.

using System.Runtime;
using System.Runtime.CompilerServices;

namespace XenSharp.Guests;

internal static class Startup
{
    [RuntimeImport("*", "xs_guest_main"), MethodImpl(MethodImplOptions.InternalCall)]
    private static extern void KernelMain();

    [RuntimeExport("xs_guest_start")]
    private static void Start()
    {
        Traps.Install();
        KernelMain();
        Machine.End();
    }
}
