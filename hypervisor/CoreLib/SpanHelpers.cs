// SPDX-License-Identifier: MIT
// Block moves. ilc calls these for struct copies and zeroing; the work is one string instruction in assembly.

using System.Runtime;
using System.Runtime.CompilerServices;

namespace System;

// SAFETY: the compiler supplies references and a length that belong together.
internal static unsafe class SpanHelpers
{
    public static void Memmove(ref byte destination, ref byte source, nuint count) => Native.MoveMemory(ref destination, ref source, count);

    public static void Fill(ref byte destination, byte value, nuint count) => Native.FillMemory(ref destination, value, count);

    public static void ClearWithoutReferences(ref byte destination, nuint count) => Native.FillMemory(ref destination, 0, count);
}

internal static class Buffer
{
    // No collector: a move of references needs no barrier.
    internal static void BulkMoveWithWriteBarrier(ref byte destination, ref byte source, nuint count) => Native.MoveMemory(ref destination, ref source, count);
}

internal static class Native
{
    [MethodImpl(MethodImplOptions.InternalCall)]
    [RuntimeImport("*", "xs_memmove")]
    internal static extern void MoveMemory(ref byte destination, ref byte source, nuint count);

    [MethodImpl(MethodImplOptions.InternalCall)]
    [RuntimeImport("*", "xs_memset")]
    internal static extern void FillMemory(ref byte destination, byte value, nuint count);

    /// <summary>Leaves the current entry: the port unwinds to the recovery point. Never returns.</summary>
    [MethodImpl(MethodImplOptions.InternalCall)]
    [RuntimeImport("*", "xs_managed_fault")]
    internal static extern void Fault(int kind);
}
