// SPDX-License-Identifier: MIT
// Memory whose address may be given to the hypervisor: pages that the kernel keeps where they are. Made by HypercallGate.

using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace XenSharp.Interop;

/// <summary>Zeroed when rented. One thread at a time. <see cref="Dispose"/> gives it back to its gate; no reference or span of it may be used afterwards.</summary>
public sealed unsafe class HypercallBuffer : IDisposable
{
    private readonly HypercallGate _gate;
    private byte* _start;
    private bool _isRented;

    internal HypercallBuffer(HypercallGate gate, SafeFileHandle? device, int capacity)
    {
        _gate = gate;
        Capacity = capacity;
        // SAFETY: new pages, unmapped by Free only.
        void* start = device is not null
            ? LibC.mmap(null, capacity, LibC.PROT_READ | LibC.PROT_WRITE, LibC.MAP_SHARED, device, 0)
            : LibC.mmap(null, capacity, LibC.PROT_READ | LibC.PROT_WRITE, LibC.MAP_SHARED | LibC.MAP_ANONYMOUS, -1, 0);
        if ((nint)start == -1)
            throw new SystemFailure($"mapping {capacity} bytes for hypercalls");
        _start = (byte*)start;
        // Without the kernel's device for it, locked pages are the best there is.
        if (device is null && XenDevice.IsControlDomain)
            LibC.mlock(start, capacity);
    }

    ~HypercallBuffer() => Free();

    /// <summary>What a hypercall's structure takes as a guest handle; 0 for an empty buffer, as libxc has it.</summary>
    public ulong Address => Length == 0 ? 0 : (ulong)_start;

    /// <summary>The bytes that were asked for.</summary>
    public int Length { get; private set; }

    internal int Capacity { get; }

    public Span<byte> Bytes
    {
        get
        {
            ObjectDisposedException.ThrowIf(!_isRented, this);
            return new Span<byte>(_start, Length);
        }
    }

    /// <summary>The bytes as a list of numbers or structures.</summary>
    public Span<T> Items<T>()
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(Bytes);

    /// <summary>One structure in the bytes.</summary>
    public ref T At<T>(int offset = 0)
        where T : unmanaged
    {
        if (offset < 0 || Unsafe.SizeOf<T>() > Length - offset)
            throw new ArgumentOutOfRangeException(nameof(offset));
        return ref Unsafe.As<byte, T>(ref Bytes[offset]);
    }

    public void Dispose()
    {
        if (!_isRented)
            return;
        _isRented = false;
        _gate.Return(this);
    }

    internal void Rent(int length)
    {
        _isRented = true;
        Length = length;
        new Span<byte>(_start, length).Clear();
    }

    internal void Free()
    {
        if (_start == null)
            return;
        LibC.munmap(_start, Capacity);
        _start = null;
        GC.SuppressFinalize(this);
    }
}
