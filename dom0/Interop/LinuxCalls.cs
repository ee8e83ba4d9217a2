// SPDX-License-Identifier: MIT
// The few system calls that .NET does not offer. Used by the device classes beside this file.

using System;
using System.ComponentModel;
using System.IO;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace XenSharp.Interop;

internal static unsafe partial class LinuxCalls
{
    public const int Interrupted = 4, NonBlocking = 0x800;

    private const int ReadWrite = 2, CloseOnExec = 0x80000;

    /// <summary>Opens a device; the error names it and what to do.</summary>
    public static SafeFileHandle OpenDevice(string path, string module, int extraFlags = 0)
    {
        int descriptor = Open(path, ReadWrite | CloseOnExec | extraFlags);
        if (descriptor >= 0)
            return new SafeFileHandle(descriptor, ownsHandle: true);
        int error = Marshal.GetLastPInvokeError();
        throw new IOException($"cannot open {path}: {Marshal.GetPInvokeErrorMessage(error)} (load the kernel module {module}, and run as root in a Xen domain)");
    }

    /// <summary>A descriptor that becomes readable when written to.</summary>
    public static SafeFileHandle OpenEvent()
    {
        int descriptor = CreateEvent(0, CloseOnExec | NonBlocking);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw Failure("creating an event descriptor");
    }

    public static Win32Exception Failure(string what) => new(Marshal.GetLastPInvokeError(), $"{what}: {Marshal.GetLastPInvokeErrorMessage()}");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Control(SafeFileHandle device, nuint request, void* argument);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    public static partial void* Map(void* address, nuint length, int protection, int flags, SafeFileHandle device, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    public static partial int Unmap(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(SafeFileHandle device, void* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(SafeFileHandle device, void* buffer, nuint length);

    /// <summary>Takes pairs of a 32-bit descriptor, 16-bit events wanted and 16-bit events seen (struct pollfd).</summary>
    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(ulong* entries, nuint count, int timeoutMs);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    public static partial int CreateEvent(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(SafeFileHandle file, long offset, int origin);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Allocate(SafeFileHandle file, int mode, long offset, long length);
}
