// SPDX-License-Identifier: MIT
using System.Runtime;
namespace XenSharp.X64;
internal static unsafe class Program
{
    private static void Main() { }
    [RuntimeExport("xs_managed_fault")] static void F(int k) { for(;;); }
    [RuntimeImport("*", "xs_out8"), System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.InternalCall)] static extern void Out8(ushort p, byte v);
    [RuntimeExport("xs_main")]
    private static void Start(uint magic, uint info)
    {
        foreach (byte b in "hello from C#\r\n"u8) Out8(0x3f8, b);
    }
}
