// SPDX-License-Identifier: MIT
// The guest console's ring (`xen/include/public/io/console.h`), read by xenconsoled in dom0. Called by Console.

using System;
using System.Threading;

namespace XenSharp.Guests;

/// <summary>Output only. The toolstack names the ring's frame and its event channel in the domain's HVM parameters.</summary>
internal static unsafe class ConsoleRing
{
    private const ulong GetParameter = 1, SendEvent = 4;
    private const uint FrameParameter = 17, PortParameter = 18;
    private const int OutOffset = 1024, OutSize = 2048, ConsumedOffset = 3080, ProducedOffset = 3084;
    private const ulong Limit = 1UL << 20;

    private static byte* s_ring;
    private static uint s_port;
    private static bool s_looked;

    /// <summary>False if the domain has no console. Waits while the ring is full.</summary>
    public static bool TryWrite(ReadOnlySpan<byte> text)
    {
        if (!s_looked)
            Look();
        if (s_ring == null)
            return false;

        // SAFETY: the frame is below 4 GiB, hence mapped, and belongs to the console as long as the domain lives.
        ref uint produced = ref *(uint*)(s_ring + ProducedOffset);
        ref uint consumed = ref *(uint*)(s_ring + ConsumedOffset);
        foreach (byte character in text)
        {
            while (produced - Volatile.Read(ref consumed) >= OutSize)
                Notify();
            s_ring[OutOffset + (int)(produced % OutSize)] = character;
            Volatile.Write(ref produced, produced + 1);
        }

        Notify();
        return true;
    }

    /// <summary>The next output asks for frame and port again: a soft reset gives the domain another port.</summary>
    public static void Forget() => s_looked = false;

    private static void Look()
    {
        s_looked = true;
        ulong frame = Parameter(FrameParameter);
        s_port = (uint)Parameter(PortParameter);
        if (frame != 0 && frame < Limit)
            s_ring = (byte*)(frame << 12);
    }

    private static ulong Parameter(uint index)
    {
        ulong* argument = stackalloc ulong[2];
        argument[0] = 0x7FF0UL | ((ulong)index << 32);
        argument[1] = 0;
        return Native.Hypercall(Call.HvmOp, GetParameter, (ulong)argument, 0, 0, 0) == 0 ? argument[1] : 0;
    }

    private static void Notify()
    {
        uint port = s_port;
        Native.Hypercall(Call.EventChannelOp, SendEvent, (ulong)&port, 0, 0, 0);
    }
}
