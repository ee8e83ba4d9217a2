// SPDX-License-Identifier: MIT
// Memory that another domain or the hypervisor may change at any time. What ring code and tools use; tests put plain memory there.

using System;
using System.Threading;

namespace XenSharp.Interop;

/// <summary>Every access copies; an access outside is an <see cref="ArgumentOutOfRangeException"/>. No access after or during <see cref="Dispose"/>.</summary>
public abstract class SharedPages : IDisposable
{
    public const int PageSize = 4096;

    /// <summary>Bytes.</summary>
    public abstract int Length { get; }

    /// <summary>One access of 32 bits, not moved before later ones of the program.</summary>
    public abstract uint Read32(int offset);

    /// <summary>One access of 32 bits, not moved behind earlier ones of the program.</summary>
    public abstract void Write32(int offset, uint value);

    public abstract void Read(int offset, Span<byte> destination);

    public abstract void Write(int offset, ReadOnlySpan<byte> source);

    public virtual void Dispose() => GC.SuppressFinalize(this);
}

/// <summary><see cref="SharedPages"/> in this process's address space.</summary>
internal sealed unsafe class MappedPages(void* address, int length, Action? afterwards = null) : SharedPages
{
    private void* _address = address;

    public override int Length => length;

    public override uint Read32(int offset) => Volatile.Read(ref *(uint*)At(offset, sizeof(uint)));

    public override void Write32(int offset, uint value) => Volatile.Write(ref *(uint*)At(offset, sizeof(uint)), value);

    public override void Read(int offset, Span<byte> destination) => new ReadOnlySpan<byte>(At(offset, destination.Length), destination.Length).CopyTo(destination);

    public override void Write(int offset, ReadOnlySpan<byte> source) => source.CopyTo(new Span<byte>(At(offset, source.Length), source.Length));

    public override void Dispose()
    {
        if (_address == null)
            return;
        LibC.munmap(_address, Length);
        _address = null;
        afterwards?.Invoke();
        base.Dispose();
    }

    // SAFETY: the pages stay mapped until Dispose, and the access is inside them.
    private byte* At(int offset, int size)
    {
        ObjectDisposedException.ThrowIf(_address == null, this);
        if (offset < 0 || size > Length - offset)
            throw new ArgumentOutOfRangeException(nameof(offset));
        return (byte*)_address + offset;
    }
}
