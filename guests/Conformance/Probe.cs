// SPDX-License-Identifier: MIT
// How every test of this kernel prints: one line a call, results by errno name, stable over runs.

using System;

namespace XenSharp.Guests.Conformance;

internal static class Probe
{
    public const ushort Self = 0x7ff0;

    /// <summary>Canonical, with no page behind it.</summary>
    public const ulong Unmapped = 0x40_0000_0000;

    /// <summary>No canonical address, and unmapped even if the upper bits are dropped.</summary>
    public const ulong NonCanonical = 0x5555_0040_0000_0000;

    /// <summary>Where the kernel has no mapping in the upper half.</summary>
    public const ulong UpperHalf = 0xffff_8300_0000_0000;

    /// <summary>Mapped to a guest frame that is neither memory nor a device.</summary>
    public const ulong Hole = 0xf000_0000;

    /// <summary>The argument page, and buffers that arguments point to.</summary>
    public static Page A => new(0);

    public static Page B => new(1);

    public static Page C => new(2);

    public static Page D => new(3);

    public static ulong At => A.Address;

    public static void Section(ReadOnlySpan<byte> name)
    {
        Report.Begin("== "u8);
        Report.Add(name);
        Report.Flush();
    }

    /// <summary>`text = result`; fields may follow.</summary>
    public static long Is(ReadOnlySpan<byte> text, long result)
    {
        Report.Begin(text);
        Report.Add(" = "u8);
        Result(result);
        return result;
    }

    /// <summary>As <see cref="Is"/> for results that vary when positive.</summary>
    public static long IsClass(ReadOnlySpan<byte> text, long result)
    {
        if (result <= 0)
            return Is(text, result);
        Report.Begin(text);
        Report.Add(" = <positive>"u8);
        return result;
    }

    /// <summary>`text number = result`.</summary>
    public static long Numbered(ReadOnlySpan<byte> text, ulong number, long result)
    {
        Text digits = new(stackalloc byte[20]);
        digits.Decimal(number);
        Report.Begin(text);
        Report.Add(digits.Bytes);
        Report.Add(") = "u8);
        Result(result);
        return result;
    }

    public static void Result(long result)
    {
        if (result < 0 && result >= -150 && Errno(-result).Length != 0)
        {
            Report.Add("-"u8);
            Report.Add(Errno(-result));
            return;
        }

        Text digits = new(stackalloc byte[21]);
        digits.Signed(result);
        Report.Add(digits.Bytes);
    }

    /// <summary>The same call with six bad pointers as second argument.</summary>
    public static void BadPointers(ReadOnlySpan<byte> text, ulong number, ulong operation)
    {
        StartBad(text);
        for (int i = 0; i < 5; i++)
            EndBad(Hypercall.Make(number, operation, BadPointer(i)));
    }

    /// <summary>The same for calls whose pointer comes first.</summary>
    public static void BadFirstPointers(ReadOnlySpan<byte> text, ulong number, ulong second = 0)
    {
        StartBad(text);
        for (int i = 0; i < 5; i++)
            EndBad(Hypercall.Make(number, BadPointer(i), second));
    }

    /// <summary>The same for calls whose pointer comes third.</summary>
    public static void BadThirdPointers(ReadOnlySpan<byte> text, ulong number, ulong first, ulong second)
    {
        StartBad(text);
        for (int i = 0; i < 5; i++)
            EndBad(Hypercall.Make(number, first, second, BadPointer(i)));
    }

    /// <summary>How far from its start a page that was filled with 0xa5 has been overwritten.</summary>
    public static uint Written(Page page)
    {
        for (int i = 4095; i >= 0; i--)
        {
            if (page.Get8(i) != 0xa5)
                return (uint)i + 1;
        }

        return 0;
    }

    private static ulong BadPointer(int kind) => kind switch { 0 => 0, 1 => Unmapped, 2 => NonCanonical, 3 => UpperHalf, _ => Hole };

    private static void StartBad(ReadOnlySpan<byte> text)
    {
        Report.Begin(text);
        Report.Add(" with pointer null, unmapped, non-canonical, upper half, hole ="u8);
    }

    private static void EndBad(long result)
    {
        Report.Add(" "u8);
        Result(result);
    }

    /// <summary>Names of `xen/include/public/errno.h`.</summary>
    private static ReadOnlySpan<byte> Errno(long number) => number switch
    {
        1 => "EPERM"u8,
        2 => "ENOENT"u8,
        3 => "ESRCH"u8,
        4 => "EINTR"u8,
        5 => "EIO"u8,
        6 => "ENXIO"u8,
        7 => "E2BIG"u8,
        8 => "ENOEXEC"u8,
        9 => "EBADF"u8,
        10 => "ECHILD"u8,
        11 => "EAGAIN"u8,
        12 => "ENOMEM"u8,
        13 => "EACCES"u8,
        14 => "EFAULT"u8,
        16 => "EBUSY"u8,
        17 => "EEXIST"u8,
        18 => "EXDEV"u8,
        19 => "ENODEV"u8,
        20 => "ENOTDIR"u8,
        21 => "EISDIR"u8,
        22 => "EINVAL"u8,
        23 => "ENFILE"u8,
        24 => "EMFILE"u8,
        28 => "ENOSPC"u8,
        30 => "EROFS"u8,
        31 => "EMLINK"u8,
        33 => "EDOM"u8,
        34 => "ERANGE"u8,
        35 => "EDEADLK"u8,
        36 => "ENAMETOOLONG"u8,
        37 => "ENOLCK"u8,
        38 => "ENOSYS"u8,
        39 => "ENOTEMPTY"u8,
        61 => "ENODATA"u8,
        62 => "ETIME"u8,
        74 => "EBADMSG"u8,
        75 => "EOVERFLOW"u8,
        84 => "EILSEQ"u8,
        85 => "ERESTART"u8,
        88 => "ENOTSOCK"u8,
        90 => "EMSGSIZE"u8,
        95 => "EOPNOTSUPP"u8,
        98 => "EADDRINUSE"u8,
        99 => "EADDRNOTAVAIL"u8,
        105 => "ENOBUFS"u8,
        106 => "EISCONN"u8,
        107 => "ENOTCONN"u8,
        110 => "ETIMEDOUT"u8,
        111 => "ECONNREFUSED"u8,
        _ => default,
    };
}
