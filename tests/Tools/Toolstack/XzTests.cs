// SPDX-License-Identifier: MIT
// The decoder of .xz files beside the program xz: settings, joined streams, stored chunks, damage.

using System;
using System.Diagnostics;
using System.IO;
using System.Threading.Tasks;
using XenSharp.Toolstack.Kernel;
using Xunit;

namespace XenSharp.Tests.Tools.Toolstack;

public sealed class XzTests
{
    private static readonly byte[] s_plain = Sample();

    [Theory]
    [InlineData("--check=crc32 --x86 --lzma2=dict=1MiB")]
    [InlineData("--check=none --lzma2=preset=9e")]
    [InlineData("--check=crc64 -0")]
    [InlineData("--check=sha256 --lzma2=lc=0,lp=4,pb=0")]
    [InlineData("--check=crc32 --x86 --lzma2=lc=1,lp=2,pb=4")]
    [InlineData("--check=crc32 -T2 --block-size=100000")]
    public void WhatXzPacksIsUnpacked(string options)
    {
        if (Pack(options, s_plain) is not { } packed)
            return;
        Assert.True(XzFile.Unpack(packed, s_plain.Length, 1 << 30).AsSpan().SequenceEqual(s_plain));
        // With the size not known, and as two streams with padding between them.
        byte[] twice = XzFile.Unpack([.. packed, 0, 0, 0, 0, .. packed], 0, 1 << 30);
        Assert.True(twice.AsSpan(0, s_plain.Length).SequenceEqual(s_plain));
        Assert.True(twice.AsSpan(s_plain.Length).SequenceEqual(s_plain));
    }

    [Fact]
    public void DamageIsFoundAndNothingElseHappens()
    {
        byte[] plain = s_plain[..60_000];
        if (Pack("--check=crc32 --x86 --lzma2=dict=1MiB", plain) is not { } packed)
            return;
        Random random = new(11);
        for (int round = 0; round < 500; round++)
        {
            byte[] damaged = [.. packed];
            damaged[random.Next(packed.Length)] ^= (byte)(1 << random.Next(8));
            Assert.Throws<InvalidDataException>(() => XzFile.Unpack(damaged, plain.Length, 1 << 20));
        }
    }

    [Fact]
    public void MoreThanIsAllowedIsRefused()
    {
        if (Pack("--check=crc32", s_plain) is { } packed)
            Assert.Throws<InvalidDataException>(() => XzFile.Unpack(packed, 0, s_plain.Length - 1));
    }

    /// <summary>Text with calls in it, the same again, noise that is stored, and calls in all distances.</summary>
    private static byte[] Sample()
    {
        byte[] plain = new byte[400_000];
        Random random = new(3);
        for (int place = 0; place < 150_000; place++)
            plain[place] = (byte)(random.Next(8) == 0 ? 0xE8 + random.Next(2) : random.Next(3) * 0xFF / 2);
        plain.AsSpan(0, 100_000).CopyTo(plain.AsSpan(150_000));
        random.NextBytes(plain.AsSpan(250_000, 100_000));
        return plain;
    }

    /// <summary>Null where this host has no xz.</summary>
    private static byte[]? Pack(string options, byte[] plain)
    {
        if (!File.Exists("/usr/bin/xz"))
            return null;
        using Process process = Process.Start(new ProcessStartInfo("xz", $"{options} -c") { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        Task writing = Task.Run(() =>
        {
            process.StandardInput.BaseStream.Write(plain);
            process.StandardInput.Close();
        });
        using MemoryStream output = new();
        process.StandardOutput.BaseStream.CopyTo(output);
        process.WaitForExit();
        writing.Wait();
        return output.ToArray();
    }
}
