// SPDX-License-Identifier: MIT
// A blittable struct as bytes, for copies to and from a guest.

using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace XenSharp.Edge;

public static class AbiBytes
{
    public static Span<byte> Of<T>(ref T value) where T : unmanaged =>
        MemoryMarshal.CreateSpan(ref Unsafe.As<T, byte>(ref value), Unsafe.SizeOf<T>());

    public static ReadOnlySpan<byte> OfReadOnly<T>(ref readonly T value) where T : unmanaged =>
        MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<T, byte>(ref Unsafe.AsRef(in value)), Unsafe.SizeOf<T>());

    public static void Read<T>(PhysicalMemory memory, ulong address, out T value) where T : unmanaged
    {
        value = default;
        memory.Read(Mfn.Containing(address), (int)(address & FrameSize.Mask), Of(ref value));
    }

    public static void Write<T>(PhysicalMemory memory, ulong address, ref readonly T value) where T : unmanaged =>
        memory.Write(Mfn.Containing(address), (int)(address & FrameSize.Mask), OfReadOnly(in value));

    public static int SizeOf<T>() where T : unmanaged => Unsafe.SizeOf<T>();
}
