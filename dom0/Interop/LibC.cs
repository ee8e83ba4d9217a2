// SPDX-License-Identifier: MIT
// System calls on files, devices, memory and time-outs, by their C names. Linux x86-64 and arm64. Used by the safe types of this folder only.
// SAFETY: declarations; each caller in this folder passes pointers to memory that outlives the call, with its true length.

using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace XenSharp.Interop;

internal static unsafe partial class LibC
{
    public const int ENOENT = 2;
    public const int EINTR = 4;
    public const int EIO = 5, ENXIO = 6;
    public const int EAGAIN = 11;
    public const int EACCES = 13;
    public const int ENODEV = 19;
    public const int O_CLOEXEC = 0x80000;
    public const int O_CREAT = 0x40;
    public const int O_NONBLOCK = 0x800;
    public const int O_RDWR = 2;
    public const int PROT_NONE = 0;
    public const int PROT_READ = 1;
    public const int PROT_WRITE = 2;
    public const int MAP_SHARED = 1;
    public const int MAP_PRIVATE = 2;
    public const int MAP_ANONYMOUS = 0x20;

    [LibraryImport("libc", SetLastError = true)]
    public static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int epoll_ctl(int epoll, int operation, int descriptor, EpollEvent* change);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int epoll_wait(int epoll, EpollEvent* events, int count, int timeout);

    /// <summary>Takes pairs of a 32-bit descriptor, 16-bit events wanted and 16-bit events seen (struct pollfd).</summary>
    [LibraryImport("libc", SetLastError = true)]
    public static partial int poll(ulong* entries, nuint count, int timeoutMs);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int eventfd(uint initial, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int open(byte* path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int open(string path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int close(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint read(int descriptor, byte* buffer, nint length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint read(SafeFileHandle file, void* buffer, nint length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint write(int descriptor, byte* buffer, nint length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint write(SafeFileHandle file, void* buffer, nint length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial long lseek(SafeFileHandle file, long offset, int origin);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fallocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int posix_fallocate(int descriptor, long offset, long length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int ftruncate(int descriptor, long length);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int statx(int folder, string path, int flags, uint mask, void* buffer);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int dup2(int from, int to);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int setsid();

    [LibraryImport("libc", SetLastError = true)]
    public static partial int chmod(byte* path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int unlink(byte* path);

    [LibraryImport("libc", SetLastError = true)]
    public static partial void* mmap(void* address, nint length, int protection, int flags, int descriptor, long offset);

    [LibraryImport("libc", SetLastError = true)]
    public static partial void* mmap(void* address, nint length, int protection, int flags, SafeFileHandle file, long offset);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int munmap(void* address, nint length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int mlock(void* address, nint length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int ioctl(SafeFileHandle device, nuint request, void* argument);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fcntl(int descriptor, int command, nint argument);
}

/// <summary>struct epoll_event; packed on x86-64 only.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
public struct EpollEvent
{
    public EpollFlags Flags;
    public int Key;
    internal int Unused;
}
