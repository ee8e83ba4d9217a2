// SPDX-License-Identifier: MIT
// The pause of a spinning CPU.

using System.Runtime;
using System.Runtime.CompilerServices;

namespace XenSharp.Edge;

internal static class SpinWait
{
    [MethodImpl(MethodImplOptions.InternalCall)]
    [RuntimeImport("*", "xs_pause")]
    internal static extern void Pause();
}
