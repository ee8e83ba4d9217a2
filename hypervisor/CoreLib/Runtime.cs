// SPDX-License-Identifier: MIT
// Helpers that compiled code calls by name. Faults go to the port, which unwinds the entry being served.

using System;
using System.Runtime.CompilerServices;

namespace Internal.Runtime.CompilerHelpers
{
    /// <summary>The kinds of fault that the port reports; values are shared with its assembly.</summary>
    public enum FaultKind { IndexOutOfRange = 1, Overflow = 2, DivideByZero = 3, NullReference = 4, InvalidCast = 5, Unsupported = 6, Allocation = 7, Argument = 8, Check = 9 }

    // A body without an end tells the compiler that a call does not return, so that callers keep nothing for afterwards.
    public static class ThrowHelpers
    {
        public static void ThrowIndexOutOfRangeException()
        {
            while (true)
                Native.Fault((int)FaultKind.IndexOutOfRange);
        }

        public static void ThrowOverflowException()
        {
            while (true)
                Native.Fault((int)FaultKind.Overflow);
        }

        public static void ThrowDivideByZeroException()
        {
            while (true)
                Native.Fault((int)FaultKind.DivideByZero);
        }

        public static void ThrowNullReferenceException()
        {
            while (true)
                Native.Fault((int)FaultKind.NullReference);
        }

        public static void ThrowPlatformNotSupportedException()
        {
            while (true)
                Native.Fault((int)FaultKind.Unsupported);
        }

        public static void ThrowFeatureBodyRemoved()
        {
            while (true)
                Native.Fault((int)FaultKind.Unsupported);
        }

        public static void ThrowInstanceBodyRemoved()
        {
            while (true)
                Native.Fault((int)FaultKind.Unsupported);
        }

        public static void ThrowArgumentException()
        {
            while (true)
                Native.Fault((int)FaultKind.Argument);
        }

        public static void ThrowArgumentOutOfRangeException()
        {
            while (true)
                Native.Fault((int)FaultKind.Argument);
        }

        public static void ThrowDivideByZero()
        {
            while (true)
                Native.Fault((int)FaultKind.DivideByZero);
        }

        public static void ThrowPlatformNotSupported()
        {
            while (true)
                Native.Fault((int)FaultKind.Unsupported);
        }

        public static void ThrowNullReference()
        {
            while (true)
                Native.Fault((int)FaultKind.NullReference);
        }
    }

    internal static class LdTokenHelpers
    {
        // Named by ilc wherever constant data is referenced; never called.
        private static RuntimeTypeHandle GetRuntimeTypeHandle(nint methodTable) => default;

        private static RuntimeMethodHandle GetRuntimeMethodHandle(nint handle) => default;

        private static RuntimeFieldHandle GetRuntimeFieldHandle(nint handle) => default;

        private static Type? GetRuntimeType(nint methodTable) => null;
    }
}

namespace Internal.Runtime
{
    // Named by ilc in the signature of a method that it adds to value types; nothing reads it through this type.
    internal struct MethodTable { }
}

namespace System.Runtime
{
    internal static unsafe class TypeCast
    {
        // Casts in this code base are only between classes; a failed one is a fault.
        public static object? CheckCastAny(void* type, object? value) => CheckCastClass(type, value);

        public static object? CheckCastInterface(void* type, object? value) => CheckCastClass(type, value);

        public static object? CheckCastClassSpecial(void* type, object? value) => CheckCastClass(type, value);

        public static object? CheckCastClass(void* type, object? value)
        {
            if (value != null && IsInstanceOfClass(type, value) == null)
                Native.Fault((int)Internal.Runtime.CompilerHelpers.FaultKind.InvalidCast);
            return value;
        }

        public static object? IsInstanceOfAny(void* type, object? value) => IsInstanceOfClass(type, value);

        public static object? IsInstanceOfInterface(void* type, object? value) => IsInstanceOfClass(type, value);

        public static object? IsInstanceOfException(void* type, object? value) => IsInstanceOfClass(type, value);

        public static object? IsInstanceOfClass(void* type, object? value)
        {
            if (value == null)
                return null;
            // SAFETY: a MethodTable names its base class at offset 8; the chain ends with null.
            for (void* current = value.m_pEEType; current != null; current = *(void**)((byte*)current + 8))
            {
                if (current == type)
                    return value;
            }

            return null;
        }

        // SAFETY: element storage of a reference array starts 16 bytes into the object; ilc's callers expect the bounds check here.
        public static void StelemRef(object?[] array, nint index, object? value)
        {
            if ((nuint)index >= (nuint)array.Length)
                Native.Fault((int)Internal.Runtime.CompilerHelpers.FaultKind.IndexOutOfRange);
            Unsafe.Add(ref Unsafe.GetArrayDataReference(array), (int)index) = value;
        }
    }
}

namespace System.Runtime.CompilerServices
{
    // Empty on purpose: static constructors that ilc cannot run at build time become build errors.
    internal static class ClassConstructorRunner { }
}

namespace System.Runtime.InteropServices
{
    internal static class IDynamicInterfaceCastable
    {
        // Named by ilc; no type of this code base implements it.
        private static void GetDynamicInterfaceImplementation() { }
    }
}
