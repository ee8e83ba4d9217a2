// SPDX-License-Identifier: MIT
// Frame numbers as types of their own: mixing a guest's frame with the machine's does not compile.

namespace XenSharp.Edge;

/// <summary>A page frame of the machine (mfn_t of Xen).</summary>
public readonly struct Mfn(ulong value)
{
    public const ulong InvalidValue = ~0UL;

    public ulong Value { get; } = value;

    public bool IsValid => Value != InvalidValue;

    public ulong Address => Value << FrameSize.Shift;

    public static Mfn Invalid => new(InvalidValue);

    public static Mfn Containing(ulong machineAddress) => new(machineAddress >> FrameSize.Shift);

    public static Mfn operator +(Mfn frame, ulong count) => new(frame.Value + count);

    public static bool operator ==(Mfn a, Mfn b) => a.Value == b.Value;

    public static bool operator !=(Mfn a, Mfn b) => a.Value != b.Value;

    public override bool Equals(object? other) => false;

    public override int GetHashCode() => (int)Value;
}

/// <summary>A page frame of a guest's physical address space (gfn_t of Xen).</summary>
public readonly struct Gfn(ulong value)
{
    public ulong Value { get; } = value;

    public ulong Address => Value << FrameSize.Shift;

    public static Gfn Containing(ulong guestPhysicalAddress) => new(guestPhysicalAddress >> FrameSize.Shift);

    public static Gfn operator +(Gfn frame, ulong count) => new(frame.Value + count);

    public static bool operator ==(Gfn a, Gfn b) => a.Value == b.Value;

    public static bool operator !=(Gfn a, Gfn b) => a.Value != b.Value;

    public override bool Equals(object? other) => false;

    public override int GetHashCode() => (int)Value;
}

/// <summary>The size of the smallest page.</summary>
public static class FrameSize
{
    public const int Shift = 12;
    public const int Bytes = 1 << Shift;
    public const ulong Mask = Bytes - 1;
}
