// SPDX-License-Identifier: MIT
// The way to the hypervisor: calls, buffers for them, memory of other domains. PrivilegedCommand is the real one; tests put a hypervisor of their own there.

using System;
using System.Collections.Generic;
using System.Numerics;
using Microsoft.Win32.SafeHandles;
using XenSharp.Abi;

namespace XenSharp.Interop;

/// <summary>May be used by several threads.</summary>
public abstract class HypercallGate : IDisposable
{
    private const int MostPooled = 8, LargestPooled = 64 * 1024;

    private readonly Stack<HypercallBuffer>[] _pool;
    private bool _isDisposed;

    protected HypercallGate()
    {
        _pool = new Stack<HypercallBuffer>[BitOperations.Log2(LargestPooled / SharedPages.PageSize) + 1];
        for (int index = 0; index < _pool.Length; index++)
            _pool[index] = new Stack<HypercallBuffer>();
    }

    /// <summary>The device that makes pages for hypercalls; null for plain memory.</summary>
    protected virtual SafeFileHandle? Buffers => null;

    /// <summary>What the hypercall returned: not negative, or the negated <see cref="Errno"/>.</summary>
    public abstract long Call(HypercallNumber number, ulong first = 0, ulong second = 0, ulong third = 0, ulong fourth = 0, ulong fifth = 0);

    /// <summary>Maps pages of another domain side by side.</summary>
    /// <param name="domain">Whose.</param>
    /// <param name="frames">Guest frame numbers.</param>
    /// <param name="isWritable">Whether for writing too.</param>
    /// <param name="errors">Receives 0 or a negated errno for each page; those that failed must not be touched. Empty: any failure is a <see cref="SystemFailure"/>.</param>
    public abstract SharedPages MapForeign(ushort domain, ReadOnlySpan<ulong> frames, bool isWritable, Span<int> errors = default);

    /// <summary>Maps pages that belong to a resource of a domain (XENMEM_acquire_resource).</summary>
    public abstract SharedPages MapResource(ushort domain, MemoryResource type, uint id, uint firstFrame, int count);

    /// <summary>Copies bytes into pages that a domain has granted under consecutive references (GNTTABOP_copy), from an offset in the first page on.</summary>
    /// <exception cref="SystemFailure"/>
    public abstract void WriteGranted(ushort domain, uint firstReference, int offset, ReadOnlySpan<byte> source);

    /// <summary>HYPERVISOR_dm_op with its buffers, which are pinned for the call; as <see cref="Call"/>.</summary>
    public abstract long CallDeviceModel(ushort domain, params ReadOnlySpan<Memory<byte>> buffers);

    /// <summary>Memory for arguments.</summary>
    public HypercallBuffer Rent(int length)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        int pages = Math.Max(1, (length + SharedPages.PageSize - 1) / SharedPages.PageSize);
        int size = BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)pages));
        HypercallBuffer? buffer = null;
        if (size < _pool.Length)
        {
            lock (_pool)
                _pool[size].TryPop(out buffer);
        }
        buffer ??= new HypercallBuffer(this, Buffers, (size < _pool.Length ? 1 << size : pages) * SharedPages.PageSize);
        buffer.Rent(length);
        return buffer;
    }

    /// <summary>Memory for a list of structures.</summary>
    public HypercallBuffer Rent<T>(int count)
        where T : unmanaged => Rent(checked(count * System.Runtime.CompilerServices.Unsafe.SizeOf<T>()));

    /// <summary>Memory that holds a list.</summary>
    public HypercallBuffer RentCopy<T>(ReadOnlySpan<T> items)
        where T : unmanaged
    {
        HypercallBuffer buffer = Rent<T>(items.Length);
        items.CopyTo(buffer.Items<T>());
        return buffer;
    }

    public virtual void Dispose()
    {
        lock (_pool)
        {
            _isDisposed = true;
            foreach (Stack<HypercallBuffer> buffers in _pool)
            {
                while (buffers.TryPop(out HypercallBuffer? buffer))
                    buffer.Free();
            }
        }
        GC.SuppressFinalize(this);
    }

    internal void Return(HypercallBuffer buffer)
    {
        int size = BitOperations.Log2((uint)(buffer.Capacity / SharedPages.PageSize));
        lock (_pool)
        {
            if (!_isDisposed && buffer.Capacity <= LargestPooled && _pool[size].Count < MostPooled)
            {
                _pool[size].Push(buffer);
                return;
            }
        }
        buffer.Free();
    }
}
