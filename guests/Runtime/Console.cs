// SPDX-License-Identifier: MIT
// Output: the hypervisor's console for a privileged domain, port 0xe9 for the others.

using System;

namespace XenSharp.Guests;

public static unsafe class Console
{
    private static bool s_usePort;

    public static void Write(ReadOnlySpan<byte> text)
    {
        // SAFETY: the hypercall only reads the span's memory, which stays in place during the call: nothing moves objects here.
        byte* start = (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref text._reference);
        if (!s_usePort && Native.Hypercall(Call.ConsoleIo, 0, (ulong)text.Length, (ulong)start, 0, 0) >= 0)
            return;

        s_usePort = true;
        foreach (byte character in text)
            Native.Out8(0xe9, character);
    }
}
