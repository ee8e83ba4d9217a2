// SPDX-License-Identifier: MIT
// Files read into memory that the hypervisor can copy from page by page. Used for kernels and ramdisks.

using System;
using System.IO;
using System.Runtime.InteropServices;

namespace XenSharp.Interop;

/// <summary>The content begins on a page: what is a page of the file is a page of memory, so that a copy of it takes one step, not two.</summary>
public static class AlignedFile
{
    /// <exception cref="IOException">Also when the file is larger than 2 GiB, or changes its size meanwhile.</exception>
    /// <exception cref="UnauthorizedAccessException"/>
    public static ReadOnlyMemory<byte> Read(string path)
    {
        using FileStream file = new(path, new FileStreamOptions { BufferSize = 0, Options = FileOptions.SequentialScan });
        if (!file.CanSeek)
            throw new IOException($"{path} is no regular file");
        if (file.Length > Array.MaxLength - SharedPages.PageSize)
            throw new IOException($"{path} is larger than 2 GiB");
        Memory<byte> content = Allocate((int)file.Length);
        file.ReadExactly(content.Span);
        return file.ReadByte() < 0 ? content : throw new IOException($"{path} grows while it is read");
    }

    /// <summary>Memory that does not move and begins on a page; its content is not defined.</summary>
    private static unsafe Memory<byte> Allocate(int length)
    {
        byte[] memory = GC.AllocateUninitializedArray<byte>(length + SharedPages.PageSize, pinned: true);
        // SAFETY: the array is pinned, so its address is for good.
        int offset = (int)(-(nint)Marshal.UnsafeAddrOfPinnedArrayElement(memory, 0) & (SharedPages.PageSize - 1));
        return memory.AsMemory(offset, length);
    }
}
