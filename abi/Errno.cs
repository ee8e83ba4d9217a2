// SPDX-License-Identifier: MIT
// Error numbers of hypercalls: a handler returns the negated value. Contract: xen/include/public/errno.h of Xen 4.17
// (MIT). Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

namespace XenSharp.Abi;

/// <summary>enum xen_errno: error numbers, XEN_E*. A handler returns the negated value.</summary>
public enum Errno
{
    Perm = 1, // XEN_EPERM: Operation not permitted
    NoEnt = 2, // XEN_ENOENT: No such file or directory
    NoProcess = 3, // XEN_ESRCH: No such process
    Io = 5, // XEN_EIO: I/O error
    NoDeviceIo = 6, // XEN_ENXIO: No such device or address
    TooBig = 7, // XEN_E2BIG: Arg list too long
    NoExec = 8, // XEN_ENOEXEC: Exec format error
    BadFile = 9, // XEN_EBADF: Bad file number
    Child = 10, // XEN_ECHILD: No child processes
    Again = 11, // XEN_EAGAIN: Try again
    WouldBlock = 11, // XEN_EWOULDBLOCK: Operation would block. Aliases EAGAIN
    NoMem = 12, // XEN_ENOMEM: Out of memory
    Access = 13, // XEN_EACCES: Permission denied
    Fault = 14, // XEN_EFAULT: Bad address
    Busy = 16, // XEN_EBUSY: Device or resource busy
    Exist = 17, // XEN_EEXIST: File exists
    CrossDevice = 18, // XEN_EXDEV: Cross-device link
    NoDev = 19, // XEN_ENODEV: No such device
    NotDir = 20, // XEN_ENOTDIR: Not a directory
    IsDir = 21, // XEN_EISDIR: Is a directory
    Inval = 22, // XEN_EINVAL: Invalid argument
    NFile = 23, // XEN_ENFILE: File table overflow
    TooManyFiles = 24, // XEN_EMFILE: Too many open files
    NoSpace = 28, // XEN_ENOSPC: No space left on device
    ReadOnlyFs = 30, // XEN_EROFS: Read-only file system
    TooManyLinks = 31, // XEN_EMLINK: Too many links
    Domain = 33, // XEN_EDOM: Math argument out of domain of func
    Range = 34, // XEN_ERANGE: Math result not representable
    Deadlock = 35, // XEN_EDEADLK: Resource deadlock would occur
    NameTooLong = 36, // XEN_ENAMETOOLONG: File name too long
    NoLock = 37, // XEN_ENOLCK: No record locks available
    NoSys = 38, // XEN_ENOSYS: Function not implemented
    NotEmpty = 39, // XEN_ENOTEMPTY: Directory not empty
    NoData = 61, // XEN_ENODATA: No data available
    Time = 62, // XEN_ETIME: Timer expired
    BadMessage = 74, // XEN_EBADMSG: Not a data message
    Overflow = 75, // XEN_EOVERFLOW: Value too large for defined data type
    IllegalSequence = 84, // XEN_EILSEQ: Illegal byte sequence
    NotSocket = 88, // XEN_ENOTSOCK: Socket operation on non-socket
    MessageSize = 90, // XEN_EMSGSIZE: Message too large.
    OpNotSupp = 95, // XEN_EOPNOTSUPP: Operation not supported on transport endpoint
    AddressInUse = 98, // XEN_EADDRINUSE: Address already in use
    AddressNotAvailable = 99, // XEN_EADDRNOTAVAIL: Cannot assign requested address
    NoBuffers = 105, // XEN_ENOBUFS: No buffer space available
    IsConnected = 106, // XEN_EISCONN: Transport endpoint is already connected
    NotConnected = 107, // XEN_ENOTCONN: Transport endpoint is not connected
    TimedOut = 110, // XEN_ETIMEDOUT: Connection timed out
    ConnectionRefused = 111, // XEN_ECONNREFUSED: Connection refused
}
