// SPDX-License-Identifier: MIT
// Memory that outlives the process that writes it: a mapped file, or anonymous memory where that is not wanted. Used by the daemon's state.

using System;
using System.Text;

namespace XenSharp.Interop;

public sealed unsafe class SharedRegion : IDisposable
{
    private byte* _start;
    private readonly int _descriptor;

    private SharedRegion(int descriptor, long length)
    {
        _descriptor = descriptor;
        Length = length;
        int flags = descriptor < 0 ? LibC.MAP_SHARED | LibC.MAP_ANONYMOUS : LibC.MAP_SHARED;
        void* start = LibC.mmap(null, (nint)length, LibC.PROT_READ | LibC.PROT_WRITE, flags, descriptor, 0);
        if (start == (void*)-1)
            throw new SystemFailure("mmap");
        _start = (byte*)start;
    }

    public long Length { get; }

    public static SharedRegion Anonymous(long length) => new(-1, length);

    /// <summary>Memory that a device or a kernel file offers, as pages that others change.</summary>
    public static SharedPages OfDevice(string path, int length)
    {
        int descriptor = SystemFailure.Check(LibC.open(path, LibC.O_RDWR | LibC.O_CLOEXEC, 0), $"open {path}");
        void* start = LibC.mmap(null, length, LibC.PROT_READ | LibC.PROT_WRITE, LibC.MAP_SHARED, descriptor, 0);
        SystemFailure? failure = (nint)start == -1 ? new SystemFailure($"mmap {path}") : null;
        LibC.close(descriptor);
        return failure is null ? new MappedPages(start, length) : throw failure;
    }

    /// <summary>The file is made if it is not there, and has the length afterwards; its memory is taken by <see cref="Reserve"/>.</summary>
    public static SharedRegion OfFile(string path, long length)
    {
        // SAFETY: the path is pinned and ends with a nul.
        fixed (byte* name = Encoding.UTF8.GetBytes(path + "\0"))
        {
            int descriptor = SystemFailure.Check(LibC.open(name, LibC.O_RDWR | LibC.O_CREAT | LibC.O_CLOEXEC, 0x180), $"open {path}");
            if (LibC.ftruncate(descriptor, length) < 0)
            {
                SystemFailure failure = new($"ftruncate {path}");
                LibC.close(descriptor);
                throw failure;
            }
            return new SharedRegion(descriptor, length);
        }
    }

    /// <summary>Takes the disk's space for a part now, so that writing there cannot fail; false if there is none.</summary>
    public bool Reserve(long offset, long length) => _descriptor < 0 || LibC.posix_fallocate(_descriptor, offset, length) == 0;

    // SAFETY: the range is checked against the mapping, which lives until Dispose; a span must not be kept past it.
    public Span<byte> Slice(long offset, int length)
    {
        Check(offset, length);
        return new Span<byte>(_start + offset, length);
    }

    // SAFETY: as Slice; T holds no references.
    public ref T At<T>(long offset)
        where T : unmanaged
    {
        Check(offset, sizeof(T));
        return ref *(T*)(_start + offset);
    }

    internal byte* Address(long offset, int length)
    {
        Check(offset, length);
        return _start + offset;
    }

    public void Dispose()
    {
        if (_start == null)
            return;
        LibC.munmap(_start, (nint)Length);
        _start = null;
        if (_descriptor >= 0)
            LibC.close(_descriptor);
    }

    private void Check(long offset, int length)
    {
        if (_start == null || (ulong)offset + (uint)length > (ulong)Length)
            throw new ArgumentOutOfRangeException(nameof(offset));
    }
}
