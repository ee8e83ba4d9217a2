// SPDX-License-Identifier: MIT
// What the system's packers wrote must come out as it went in.

using System;
using XenSharp.Core.Boot.Kernel;
using Xunit;

namespace XenSharp.Tests.Unit.Kernel;

[Collection("Kernel")]
public sealed class RoundTripTests
{
    private static readonly string[] DataSets = ["empty", "byte", "text", "longtext", "zeros", "pattern", "noise", "code", "far"];

    [ToolTheory("gzip")]
    [InlineData("-1")]
    [InlineData("-6 -n")]
    [InlineData("-9")]
    public void Gzip(string options) => All("gzip", options);

    [ToolTheory("xz")]
    [InlineData("--check=crc32 --x86 --lzma2=dict=32MiB")]
    [InlineData("--check=crc32 --x86=start=4096 --lzma2=preset=0")]
    [InlineData("--check=crc64 -9")]
    [InlineData("--check=none -0")]
    [InlineData("--check=sha256 -6 --block-size=65536")]
    [InlineData("--check=crc32 --lzma2=lc=0,lp=4,pb=4")]
    [InlineData("--check=crc32 --lzma2=lc=4,lp=0,pb=0,nice=273")]
    [InlineData("-T2 --check=crc32 --block-size=100000 --x86 --lzma2=preset=1")]
    public void Xz(string options) => All("xz", options);

    [ToolTheory("lz4")]
    [InlineData("-q -l")]
    [InlineData("-q -l -9")]
    [InlineData("-q -BD -B4 --content-size")]
    [InlineData("-q -9 -BX --no-frame-crc")]
    public void Lz4(string options) => All("lz4", options);

    [ToolTheory("zstd")]
    [InlineData("-q -3")]
    [InlineData("-q -19")]
    [InlineData("-q -22 --ultra")]
    [InlineData("-q --fast=5")]
    [InlineData("-q -1 --no-check")]
    [InlineData("-q -12 --long=27")]
    public void Zstd(string options) => All("zstd", options);

    [ToolTheory("lz4")]
    [InlineData("-q -l -3")]
    public void LegacyLz4OfSeveralBlocks(string options)
    {
        byte[] data = KernelTestData.Make("large");
        Check(data, KernelTestData.Run("lz4", options, data), options);
    }

    [ToolTheory("xz")]
    [InlineData("xz", "--check=crc32")]
    [InlineData("gzip", "-6")]
    [InlineData("zstd", "-q")]
    [InlineData("lz4", "-q -l")]
    public void StreamsInARowAreOne(string tool, string options)
    {
        byte[] data = KernelTestData.Make("text");
        byte[] packed = KernelTestData.Run(tool, options, data);
        Check([.. data, .. data], [.. packed, .. packed], tool);
    }

    private static void All(string tool, string options)
    {
        foreach (string name in DataSets)
        {
            byte[] data = KernelTestData.Make(name);
            Check(data, KernelTestData.Run(tool, options, data), $"{name}, from a file");
            Check(data, KernelTestData.Run(tool, options, data, fromFile: false), $"{name}, from a pipe");
        }
    }

    private static void Check(byte[] data, byte[] packed, string what)
    {
        byte[] output = new byte[data.Length];
        DecompressStatus status = KernelTestData.Unpack(packed, output, out int written);
        Assert.True(status == DecompressStatus.Ok, $"{what}: {status} after {written} bytes");
        Assert.Equal(data.Length, written);
        Assert.True(data.AsSpan().SequenceEqual(output), $"{what}: wrong data");

        // One byte too little room is noticed, and room to spare is left alone but for the slack of word copies.
        if (data.Length > 0)
        {
            Assert.Equal(DecompressStatus.OutputTooSmall, KernelTestData.Unpack(packed, new byte[data.Length - 1], out _));
        }
        byte[] roomy = new byte[data.Length + 64];
        Assert.Equal(DecompressStatus.Ok, KernelTestData.Unpack(packed, roomy, out written));
        Assert.Equal(data.Length, written);
        Assert.True(data.AsSpan().SequenceEqual(roomy.AsSpan(0, written)), $"{what}: wrong data with room to spare");
    }
}
