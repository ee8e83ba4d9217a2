// SPDX-License-Identifier: MIT
// Errors as they travel: by name. Contract: xsd_errors in xen/include/public/io/xs_wire.h of Xen 4.17.

using System;

namespace XenSharp.Xenstore.Protocol;

public enum XenstoreError
{
    None,
    EINVAL,
    EACCES,
    EEXIST,
    EISDIR,
    ENOENT,
    ENOMEM,
    ENOSPC,
    EIO,
    ENOTEMPTY,
    ENOSYS,
    EROFS,
    EBUSY,
    EAGAIN,
    EISCONN,
    E2BIG,
    EPERM,
}

public static class XenstoreErrors
{
    /// <summary>The name with its nul, as the payload of an error.</summary>
    public static ReadOnlySpan<byte> Payload(this XenstoreError error) => error switch
    {
        XenstoreError.EACCES => "EACCES\0"u8,
        XenstoreError.EEXIST => "EEXIST\0"u8,
        XenstoreError.EISDIR => "EISDIR\0"u8,
        XenstoreError.ENOENT => "ENOENT\0"u8,
        XenstoreError.ENOMEM => "ENOMEM\0"u8,
        XenstoreError.ENOSPC => "ENOSPC\0"u8,
        XenstoreError.EIO => "EIO\0"u8,
        XenstoreError.ENOTEMPTY => "ENOTEMPTY\0"u8,
        XenstoreError.ENOSYS => "ENOSYS\0"u8,
        XenstoreError.EROFS => "EROFS\0"u8,
        XenstoreError.EBUSY => "EBUSY\0"u8,
        XenstoreError.EAGAIN => "EAGAIN\0"u8,
        XenstoreError.EISCONN => "EISCONN\0"u8,
        XenstoreError.E2BIG => "E2BIG\0"u8,
        XenstoreError.EPERM => "EPERM\0"u8,
        _ => "EINVAL\0"u8,
    };
}
