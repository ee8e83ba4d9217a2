// SPDX-License-Identifier: MIT
// Error returns of hypercalls under the names of errno.h; every handler imports them with `using static`.

using XenSharp.Abi;

namespace XenSharp.Core.Hypercalls;

/// <summary>Negative return values (xen/include/public/errno.h).</summary>
public static class HypercallError
{
    public const long EPERM = -(long)Errno.Perm;
    public const long ENOENT = -(long)Errno.NoEnt;
    public const long ESRCH = -(long)Errno.NoProcess;
    public const long ENXIO = -(long)Errno.NoDeviceIo;
    public const long E2BIG = -(long)Errno.TooBig;
    public const long EAGAIN = -(long)Errno.Again;
    public const long ENOMEM = -(long)Errno.NoMem;
    public const long EACCES = -(long)Errno.Access;
    public const long EFAULT = -(long)Errno.Fault;
    public const long EBUSY = -(long)Errno.Busy;
    public const long EEXIST = -(long)Errno.Exist;
    public const long EXDEV = -(long)Errno.CrossDevice;
    public const long ENODEV = -(long)Errno.NoDev;
    public const long EINVAL = -(long)Errno.Inval;
    public const long ENOSPC = -(long)Errno.NoSpace;
    public const long EDOM = -(long)Errno.Domain;
    public const long ERANGE = -(long)Errno.Range;
    public const long EIO = -(long)Errno.Io;
    public const long ENOSYS = -(long)Errno.NoSys;
    public const long ENODATA = -(long)Errno.NoData;
    public const long EOVERFLOW = -(long)Errno.Overflow;
    public const long EILSEQ = -(long)Errno.IllegalSequence;
    public const long EOPNOTSUPP = -(long)Errno.OpNotSupp;
    public const long ENOBUFS = -(long)Errno.NoBuffers;
    public const long ENOTDIR = -(long)Errno.NotDir;
}
