// SPDX-License-Identifier: MIT
// A file's own pages as memory, without a copy. Used for kernels in the toolstack's cache.

using System;
using System.Buffers;
using System.IO;

namespace XenSharp.Interop;

/// <summary>For files that nobody cuts short: the access to a page that is gone ends the program. <see cref="IMemoryOwner{T}.Memory"/> is not for writing.</summary>
// SAFETY: who holds the memory holds this object, and disposes of it last.
public sealed unsafe class MappedFile : MemoryManager<byte>
{
    private readonly int _length;
    private void* _address;

    /// <exception cref="IOException">Also when the file is empty, or larger than 2 GiB.</exception>
    /// <exception cref="UnauthorizedAccessException"/>
    public MappedFile(string path)
    {
        using FileStream file = new(path, new FileStreamOptions { BufferSize = 0 });
        if (file.Length > Array.MaxLength)
            throw new IOException($"{path} is larger than 2 GiB");
        _length = (int)file.Length;
        _address = LibC.mmap(null, _length, LibC.PROT_READ, LibC.MAP_PRIVATE, file.SafeFileHandle, 0);
        if ((nint)_address == -1)
            throw new SystemFailure($"mapping {path}");
    }

    public override Span<byte> GetSpan() => new(_address, _address is null ? 0 : _length);

    public override MemoryHandle Pin(int elementIndex = 0) => new((byte*)_address + elementIndex, pinnable: this);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (_address is not null)
            LibC.munmap(_address, _length);
        _address = null;
    }
}
