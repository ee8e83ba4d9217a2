// SPDX-License-Identifier: MIT
// hypfs_op (`xen/include/public/hypfs.h`): version, directories, contents, refused writes.

using System;

namespace XenSharp.Guests.Conformance;

internal static class HypfsTests
{
    private static Page A => Probe.A;

    private static Page B => Probe.B;

    public static void Run()
    {
        Probe.Section("hypfs_op"u8);
        Probe.Is("hypfs_op(get_version)"u8, Hypercall.Make(Call.HypfsOp, 0));
        Probe.Is("hypfs_op(get_version, arguments set)"u8, Hypercall.Make(Call.HypfsOp, 0, 1, 2, 3, 4));
        Read("/"u8);
        Read("/buildinfo"u8);
        Read("/buildinfo/changeset"u8);
        ReadVarying("/buildinfo/config"u8);
        Read("/buildinfo/compiler"u8);
        Read("/buildinfo/compileinfo"u8);
        ReadVarying("/buildinfo/compileinfo/compiler"u8);
        ReadVarying("/buildinfo/compileinfo/compile_by"u8);
        ReadVarying("/buildinfo/compileinfo/compile_domain"u8);
        ReadVarying("/buildinfo/compileinfo/compile_date"u8);
        Read("/buildinfo/version"u8);
        Read("/buildinfo/version/major"u8);
        Read("/buildinfo/version/minor"u8);
        Read("/buildinfo/version/extra"u8);
        Read("/params"u8);
        Read("/params/console_timestamps"u8);
        Read("/params/gnttab_max_frames"u8);
        Read("/params/gnttab_max_maptrack_frames"u8);
        Read("/params/loglvl"u8);
        Read("/params/guest_loglvl"u8);
        Read("/params/pcid"u8);
        Read("/cpupool"u8);
        Read("/cpupool/0"u8);
        Read("/cpupool/0/sched-gran"u8);
        Read("/cpupool/1"u8);
        Read("/nothing"u8);
        Read("/buildinfo/"u8);
        Read("//buildinfo"u8);
        Read("/buildinfo/version/major/more"u8);
        Read("buildinfo"u8);
        Read(""u8);
        Sizes();
        Writes();
        foreach (uint operation in (ReadOnlySpan<uint>)[3, 4, 100, 0xffffffff])
            Probe.Numbered("hypfs_op("u8, operation, Hypercall.Make(Call.HypfsOp, operation, A.Address, 2, B.Address, 4096));
    }

    private static ulong Path(ReadOnlySpan<byte> path)
    {
        A.Clear();
        path.CopyTo(A.Bytes);
        return (ulong)path.Length + 1;
    }

    private static void Read(ReadOnlySpan<byte> path)
    {
        B.Fill(0);
        long result = Hypercall.Make(Call.HypfsOp, 1, A.Address, Path(path), B.Address, 4096);
        Probe.Is("hypfs_op(read)"u8, result);
        Report.Quoted("path"u8, path);
        if (result < 0)
            return;
        Report.Decimal("type"u8, B.Get8(0));
        Report.Decimal("encoding"u8, B.Get8(1));
        uint length = B.Get32(4);
        Report.Decimal("max_write"u8, B.Get32(8));
        switch (B.Get8(0))
        {
            case 0:
                Directory((int)length);
                break;
            case 1:
                Report.Class("length"u8, length);
                break;
            case 2:
                Report.Quoted("text"u8, B.Bytes.Slice(12, (int)Math.Min(length, 500)));
                break;
            default:
                Report.Decimal("length"u8, length);
                Report.Hex("value"u8, B.Get32(12));
                break;
        }
    }

    // A text of the build: whether there is one.
    private static void ReadVarying(ReadOnlySpan<byte> path)
    {
        B.Fill(0);
        ulong length = Path(path);
        long result = Hypercall.Make(Call.HypfsOp, 1, A.Address, length, B.Address, 4096);
        Probe.Is("hypfs_op(read)"u8, result);
        Report.Quoted("path"u8, path);
        Report.Decimal("type"u8, B.Get8(0));
        Report.Decimal("encoding"u8, B.Get8(1));
        Report.Class("length"u8, B.Get32(4));
    }

    private static void Directory(int length)
    {
        Report.Add(" entries"u8);
        int offset = 12;
        while (offset + 14 <= 12 + length)
        {
            Report.Add(" "u8);
            Text name = new(stackalloc byte[64]);
            name.Foreign(B.Bytes.Slice(offset + 14, 60)).Add(":"u8).Decimal(B.Get8(offset));
            Report.Add(name.Bytes);
            int next = B.Get16(offset + 12);
            if (next == 0)
                break;
            offset += next;
        }
    }

    private static void Sizes()
    {
        ulong length = Path("/buildinfo/version/major"u8);
        foreach (ulong size in (ReadOnlySpan<ulong>)[0, 1, 11, 12, 13, 16, 1UL << 40])
        {
            B.Fill(0xa5);
            Probe.Numbered("hypfs_op(read /buildinfo/version/major, size "u8, size, Hypercall.Make(Call.HypfsOp, 1, A.Address, length, B.Address, size));
            Report.Decimal("written"u8, Probe.Written(B));
        }

        length = Path("/"u8);
        B.Fill(0xa5);
        Probe.Is("hypfs_op(read /, size 12)"u8, Hypercall.Make(Call.HypfsOp, 1, A.Address, length, B.Address, 12));
        Report.Decimal("written"u8, Probe.Written(B));
        Probe.Is("hypfs_op(read /, null buffer, size 0)"u8, Hypercall.Make(Call.HypfsOp, 1, A.Address, length, 0, 0));
        Probe.Is("hypfs_op(read /, unmapped buffer)"u8, Hypercall.Make(Call.HypfsOp, 1, A.Address, length, Probe.Unmapped, 4096));
        Probe.Is("hypfs_op(read, unmapped path)"u8, Hypercall.Make(Call.HypfsOp, 1, Probe.Unmapped, length, B.Address, 4096));
        Probe.Is("hypfs_op(read, path length 0)"u8, Hypercall.Make(Call.HypfsOp, 1, A.Address, 0, B.Address, 4096));
        Probe.Is("hypfs_op(read, path length 1)"u8, Hypercall.Make(Call.HypfsOp, 1, A.Address, 1, B.Address, 4096));
        Probe.Is("hypfs_op(read, path without its zero)"u8, Hypercall.Make(Call.HypfsOp, 1, A.Address, length - 1, B.Address, 4096));
        Probe.Is("hypfs_op(read, zero inside)"u8, Hypercall.Make(Call.HypfsOp, 1, A.Address, length + 1, B.Address, 4096));
        A.Fill((byte)'a').Put8(0, (byte)'/').Put8(1023, 0).Put8(1024, 0);
        Probe.Is("hypfs_op(read, path of 1024)"u8, Hypercall.Make(Call.HypfsOp, 1, A.Address, 1024, B.Address, 4096));
        Probe.Is("hypfs_op(read, path of 1025)"u8, Hypercall.Make(Call.HypfsOp, 1, A.Address, 1025, B.Address, 4096));
        Probe.Is("hypfs_op(read, path of 2^63)"u8, Hypercall.Make(Call.HypfsOp, 1, A.Address, 1UL << 63, B.Address, 4096));
    }

    private static void Writes()
    {
        B.Clear();
        "zzz"u8.CopyTo(B.Bytes);
        Probe.Is("hypfs_op(write /)"u8, Write("/"u8, 4));
        Probe.Is("hypfs_op(write /buildinfo/compiler)"u8, Write("/buildinfo/compiler"u8, 4));
        Probe.Is("hypfs_op(write /nothing)"u8, Write("/nothing"u8, 4));
        Probe.Is("hypfs_op(write /params/gnttab_max_frames, 4 bytes of rubbish)"u8, Write("/params/gnttab_max_frames"u8, 1000));
        Probe.Is("hypfs_op(write /params/gnttab_max_frames, size 0)"u8, Write("/params/gnttab_max_frames"u8, 0));
        ulong length = Path("/params/guest_loglvl"u8);
        Probe.Is("hypfs_op(write /params/guest_loglvl, unmapped)"u8, Hypercall.Make(Call.HypfsOp, 2, A.Address, length, Probe.Unmapped, 4));
    }

    private static long Write(ReadOnlySpan<byte> path, ulong size)
    {
        ulong length = Path(path);
        return Hypercall.Make(Call.HypfsOp, 2, A.Address, length, B.Address, size);
    }
}
