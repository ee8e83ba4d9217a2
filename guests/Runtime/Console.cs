// SPDX-License-Identifier: MIT
// Output: the hypervisor's console for a privileged domain, the guest console's ring for one that a toolstack built, port 0xe9 without either.

using System;

namespace XenSharp.Guests;

public static unsafe class Console
{
    private static bool s_isUnprivileged;

    /// <summary>What the toolstack has set up is looked for again.</summary>
    public static void Forget() => ConsoleRing.Forget();

    public static void Write(ReadOnlySpan<byte> text)
    {
        // SAFETY: the hypercall only reads the span's memory, which stays in place during the call: nothing moves objects here.
        byte* start = (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref text._reference);
        if (!s_isUnprivileged && Native.Hypercall(Call.ConsoleIo, 0, (ulong)text.Length, (ulong)start, 0, 0) >= 0)
            return;

        s_isUnprivileged = true;
        if (ConsoleRing.TryWrite(text))
            return;
        foreach (byte character in text)
            Native.Out8(0xe9, character);
    }
}
