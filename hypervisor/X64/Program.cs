// SPDX-License-Identifier: MIT
// ilc wants an entry point; the machine's is xs_boot_entry (Native/boot.S), which calls Boot/Start.cs.

namespace XenSharp.X64;

internal static class Program
{
    private static void Main() { }
}
