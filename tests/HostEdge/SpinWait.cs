// SPDX-License-Identifier: MIT
// The pause of a spinning CPU.

namespace XenSharp.Edge;

internal static class SpinWait
{
    public static void Pause()
    {
        SwitchPoint.Spinning();
        System.Threading.Thread.SpinWait(1);
    }
}
