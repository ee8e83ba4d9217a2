// SPDX-License-Identifier: MIT
// A blittable struct as bytes, for copies to and from a guest.

using System;
using System.Runtime.CompilerServices;

namespace XenSharp.Edge;

// SAFETY: T holds no references and every bit pattern of it is a value (integers and enums only), so its bytes may be read and written freely.
// The image has one class of memory.
public static class AbiBytes
{
    public static Span<byte> Of<T>(ref T value) where T : unmanaged => new(ref Unsafe.As<T, byte>(ref value), Unsafe.SizeOf<T>());

    public static ReadOnlySpan<byte> OfReadOnly<T>(ref readonly T value) where T : unmanaged =>
        new(ref Unsafe.As<T, byte>(ref Unsafe.AsRef(in value)), Unsafe.SizeOf<T>());

    /// <summary>Copies a structure at a machine address in, as <see cref="PhysicalMemory.Read"/> does, in instructions that know its size.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read<T>(PhysicalMemory memory, ulong address, out T value) where T : unmanaged =>
        Unsafe.As<DirectMappedMemory>(memory)!.ReadStructure(address, out value);

    /// <summary>The same, as <see cref="PhysicalMemory.Write"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write<T>(PhysicalMemory memory, ulong address, ref readonly T value) where T : unmanaged =>
        Unsafe.As<DirectMappedMemory>(memory)!.WriteStructure(address, in value);

    public static int SizeOf<T>() where T : unmanaged => Unsafe.SizeOf<T>();
}
