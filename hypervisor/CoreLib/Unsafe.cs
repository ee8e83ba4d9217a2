// SPDX-License-Identifier: MIT
// Reinterpretation of memory: internal, so that only Edge and the ports (see InternalsVisibleTo) can name it.

using System.Diagnostics.CodeAnalysis;

namespace System.Runtime.CompilerServices
{
    // SAFETY: every method is replaced by the compiler with the instruction of the same meaning; the caller owns the proof.
    internal static unsafe class Unsafe
    {
        [Intrinsic]
        public static extern ref T Add<T>(ref T source, int elementOffset);

        [Intrinsic]
        public static extern ref T AddByteOffset<T>(ref T source, nint byteOffset);

        [Intrinsic]
        public static extern ref TTo As<TFrom, TTo>(ref TFrom source);

        [Intrinsic]
        public static extern T As<T>(object? value) where T : class?;

        [Intrinsic]
        public static extern ref T AsRef<T>(void* source);

        [Intrinsic]
        public static extern ref T AsRef<T>(scoped ref readonly T source);

        [Intrinsic]
        public static extern void* AsPointer<T>(ref T value);

        [Intrinsic]
        public static int SizeOf<T>() => sizeof(T);

        public static ref T GetArrayDataReference<T>(T[] array) => ref As<byte, T>(ref As<RawArrayData>(array).Data);

        // The layout of an array object behind its MethodTable pointer.
        private sealed class RawArrayData
        {
            public uint Length;
            public uint Padding;
            public byte Data;
        }
    }

    public static unsafe class RuntimeHelpers
    {
        [Intrinsic]
        public static ReadOnlySpan<T> CreateSpan<T>(RuntimeFieldHandle fieldHandle) => default;

        [Intrinsic]
        public static void InitializeArray(Array array, RuntimeFieldHandle fieldHandle) { }

        public static int OffsetToStringData => 12;
    }
}

namespace System.Runtime.InteropServices
{
    using System.Runtime.CompilerServices;

    // The C# compiler names this type for conversions of inline arrays to spans, so it is public;
    // both methods stay inside the array because the compiler supplies the length.
    public static class MemoryMarshal
    {
        public static Span<T> CreateSpan<T>(scoped ref T reference, int length) => new(ref Unsafe.AsRef(in reference), length);

        public static ReadOnlySpan<T> CreateReadOnlySpan<T>(scoped ref readonly T reference, int length) => new(ref Unsafe.AsRef(in reference), length);
    }
}
