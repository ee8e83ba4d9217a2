// SPDX-License-Identifier: MIT
// The argument of a control operation (platform_op, sysctl, domctl): a header and a union, copied in once as bytes.

using System;
using System.Buffers.Binary;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Memory;

/// <summary>
/// The copy of one argument. Members of the union are read from it and written into it; <see cref="Store{T}"/> also copies the member
/// back to the guest.
/// </summary>
public readonly ref struct ControlBuffer(Vcpu caller, ulong address, Span<byte> bytes, int unionOffset)
{
    /// <summary>All three arguments end with a union padded to this size.</summary>
    public const int UnionSize = 128;

    private readonly Span<byte> _bytes = bytes;

    public Vcpu Caller => caller;

    public uint Command => BinaryPrimitives.ReadUInt32LittleEndian(_bytes);

    public uint Version => BinaryPrimitives.ReadUInt32LittleEndian(_bytes.Slice(4));

    /// <summary>The third word's low half: the domain of a domctl.</summary>
    public ushort Domain => BinaryPrimitives.ReadUInt16LittleEndian(_bytes.Slice(8));

    /// <summary>Address of the union in the guest.</summary>
    public ulong UnionAddress => address + (ulong)unionOffset;

    /// <summary>Copies the argument in; false: -EFAULT.</summary>
    public bool Load() => GuestAccess.Read(caller, address, _bytes);

    /// <summary>The union as one of its members.</summary>
    public T Read<T>() where T : unmanaged
    {
        T value = default;
        _bytes.Slice(unionOffset, AbiBytes.SizeOf<T>()).CopyTo(AbiBytes.Of(ref value));
        return value;
    }

    /// <summary>The same for a member that a 32-bit caller lays out in its own way (<see cref="GuestLayout"/>).</summary>
    public T Read<T>(ReadOnlySpan<byte> fields) where T : unmanaged
    {
        if (!caller.IsNarrow)
            return Read<T>();
        T value = default;
        GuestLayout.Widen(_bytes.Slice(unionOffset), fields, AbiBytes.Of(ref value));
        return value;
    }

    /// <summary>Copies such a member out; 0 or -EFAULT.</summary>
    public long Store<T>(ReadOnlySpan<byte> fields, ref readonly T value) where T : unmanaged =>
        GuestLayout.TryWrite(caller, UnionAddress, fields, in value) ? 0 : Hypercalls.HypercallError.EFAULT;

    /// <summary>Copies a member of the union out; 0 or -EFAULT.</summary>
    public long Store<T>(ref readonly T value) where T : unmanaged =>
        GuestAccess.TryWrite(caller, UnionAddress, in value) ? 0 : Hypercalls.HypercallError.EFAULT;

    /// <summary>The operation goes on with the same argument after the CPU has looked at its pending work; returns 0.</summary>
    public long Continue()
    {
        caller.Continuation.Request(address);
        return 0;
    }

    /// <summary>The same as another command, which stands in the guest's argument from now on, with words of progress; 0 or -EFAULT.</summary>
    public long ContinueAs(uint command, ulong second = 0, ulong third = 0)
    {
        if (!TrySetCommand(command))
            return Hypercalls.HypercallError.EFAULT;
        caller.Continuation.Request(address, second, third);
        return 0;
    }

    public bool TrySetCommand(uint command) => GuestAccess.TryWrite(caller, address, in command);

    /// <summary>Copies the domain id of the header out (createdomain, getdomaininfo).</summary>
    public long StoreDomain(ushort id) =>
        GuestAccess.TryWrite(caller, address + 8, in id) ? 0 : Hypercalls.HypercallError.EFAULT;
}
