// SPDX-License-Identifier: MIT
// The types that the C# compiler and ilc require by name, with no more members than the hypervisor uses.

using System.Runtime.CompilerServices;

namespace System;

public unsafe class Object
{
    // The first field of every object; ilc reads it by this name for multi-dimensional arrays.
    internal void* m_pEEType;

    public Object() { }

    public virtual bool Equals(object? other) => (object)this == other;

    public virtual int GetHashCode() => 0;

    public virtual string? ToString() => null;
}

public abstract class ValueType { }

public abstract class Enum : ValueType { }

public struct Void { }

public readonly struct Boolean { private readonly bool _value; }

public readonly struct Char
{
    private readonly char _value;
    public const char MaxValue = (char)0xffff;
}

public readonly struct SByte { private readonly sbyte _value; public const sbyte MaxValue = 127; public const sbyte MinValue = -128; }

public readonly struct Byte { private readonly byte _value; public const byte MaxValue = 255; }

public readonly struct Int16 { private readonly short _value; public const short MaxValue = 0x7fff; public const short MinValue = -0x8000; }

public readonly struct UInt16 { private readonly ushort _value; public const ushort MaxValue = 0xffff; }

public readonly struct Int32 { private readonly int _value; public const int MaxValue = 0x7fffffff; public const int MinValue = unchecked((int)0x80000000); }

public readonly struct UInt32 { private readonly uint _value; public const uint MaxValue = 0xffffffff; }

public readonly struct Int64
{
    private readonly long _value;
    public const long MaxValue = 0x7fffffffffffffff;
    public const long MinValue = unchecked((long)0x8000000000000000);
}

public readonly struct UInt64 { private readonly ulong _value; public const ulong MaxValue = 0xffffffffffffffff; }

public readonly struct IntPtr
{
    private readonly nint _value;
    public static int Size { [Intrinsic] get => 8; }
}

public readonly struct UIntPtr { private readonly nuint _value; }

public readonly struct Single { private readonly float _value; }

public readonly struct Double { private readonly double _value; }

public abstract class Type { }

internal class RuntimeType : Type { }

public struct RuntimeTypeHandle { internal nint _value; }

public struct RuntimeMethodHandle { internal nint _value; }

public struct RuntimeFieldHandle { internal nint _value; }

public abstract class Delegate
{
    // Names are a contract with ilc.
    internal object? _firstParameter;
    internal object? _helperObject;
    internal nint _extraFunctionPointerOrData;
    internal nint _functionPointer;

    internal void InitializeClosedInstance(object firstParameter, nint functionPointer)
    {
        _functionPointer = functionPointer;
        _firstParameter = firstParameter;
    }

    internal void InitializeOpenStaticThunk(object firstParameter, nint functionPointer, nint functionPointerThunk)
    {
        _firstParameter = this;
        _functionPointer = functionPointerThunk;
        _extraFunctionPointerOrData = functionPointer;
    }
}

public abstract class MulticastDelegate : Delegate { }

public struct Nullable<T> where T : struct
{
    private readonly bool hasValue;
    internal T value;

    public Nullable(T value)
    {
        this.value = value;
        hasValue = true;
    }

    public readonly bool HasValue => hasValue;

    public readonly T Value => value;

    public readonly T GetValueOrDefault() => value;

    public static implicit operator Nullable<T>(T value) => new Nullable<T>(value);
}

public interface IDisposable
{
    void Dispose();
}

public interface IEquatable<T>
{
    bool Equals(T? other);
}

public readonly struct Index
{
    private readonly int _value;

    public Index(int value, bool fromEnd = false) => _value = fromEnd ? ~value : value;

    public int GetOffset(int length) => _value < 0 ? length + _value + 1 : _value;

    public static implicit operator Index(int value) => new(value);
}

public readonly struct Range(Index start, Index end)
{
    public Index Start { get; } = start;

    public Index End { get; } = end;

    public static Range StartAt(Index start) => new(start, new Index(0, true));

    public static Range EndAt(Index end) => new(new Index(0), end);

    public static Range All => new(new Index(0), new Index(0, true));
}
