// SPDX-License-Identifier: MIT
// Damaged streams: each ends with a status, never with an exception or an endless loop, and never passes for intact.

using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using XenSharp.Core.Boot.Kernel;
using Xunit;

namespace XenSharp.Tests.Unit.Kernel;

[Collection("Kernel")]
public sealed class HostileInputTests
{
    private const int Rounds = 4000;

    public static TheoryData<string> Files => new(GoldenFiles.Names);

    [Theory]
    [MemberData(nameof(Files))]
    public void GoldenFileUnpacks(string name)
    {
        byte[] output = new byte[GoldenFiles.Length];
        Assert.Equal(DecompressStatus.Ok, KernelTestData.Unpack(GoldenFiles.Get(name), output, out int written));
        Assert.Equal(GoldenFiles.Length, written);
        Assert.True(GoldenFiles.IsIntact(output));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void EveryTruncationIsNoticed(string name) => InTime(() =>
    {
        byte[] packed = GoldenFiles.Get(name);
        byte[] output = new byte[GoldenFiles.Length + 100];
        for (int length = 4; length < packed.Length; length++)
        {
            DecompressStatus status = KernelTestData.Unpack(packed[..length], output, out int written);
            bool mayBeWhole = (name == "Lz4Legacy" && written < GoldenFiles.Length) || (name == "ZstdTwoFrames" && written == 1500);
            Assert.True(status != DecompressStatus.Ok || mayBeWhole, $"{name} cut to {length} of {packed.Length}: {status}, {written} bytes");
        }
    });

    [Theory]
    [MemberData(nameof(Files))]
    public void FlippedBitsAreNoticed(string name) => InTime(() =>
    {
        Random random = new(4711);
        byte[] packed = GoldenFiles.Get(name);
        byte[] output = new byte[GoldenFiles.Length + 100];
        // These carry a checksum over the data that is verified.
        bool isChecked = name.StartsWith("Gzip", StringComparison.Ordinal) || name.Contains("Crc", StringComparison.Ordinal)
            || name.StartsWith("Zstd", StringComparison.Ordinal);
        for (int round = 0; round < Rounds; round++)
        {
            byte[] damaged = (byte[])packed.Clone();
            int flips = 1 + random.Next(3);
            for (int i = 0; i < flips; i++)
            {
                damaged[random.Next(4, damaged.Length)] ^= (byte)(1 << random.Next(8));
            }
            DecompressStatus status = KernelTestData.Unpack(damaged, output, out int written);
            Assert.InRange(written, 0, output.Length);
            if (status == DecompressStatus.Ok && isChecked)
            {
                Assert.True(GoldenFiles.IsIntact(output.AsSpan(0, written)), $"{name}, round {round}: damage passed for intact");
            }
        }
    });

    [Theory]
    [MemberData(nameof(Files))]
    public void OverwrittenStretchesEndWithAStatus(string name) => InTime(() =>
    {
        Random random = new(815);
        byte[] packed = GoldenFiles.Get(name);
        byte[] output = new byte[GoldenFiles.Length];
        byte[] values = [0x00, 0xff, 0x80, 0x7f, 0x01];
        for (int round = 0; round < Rounds; round++)
        {
            byte[] damaged = (byte[])packed.Clone();
            int at = random.Next(4, damaged.Length);
            Span<byte> stretch = damaged.AsSpan(at, Math.Min(1 + random.Next(16), damaged.Length - at));
            if (random.Next(2) == 0)
            {
                random.NextBytes(stretch);
            }
            else
            {
                stretch.Fill(values[random.Next(values.Length)]);
            }
            _ = KernelTestData.Unpack(damaged, output.AsSpan(0, random.Next(output.Length)).ToArray(), out _);
        }
    });

    /// <summary>Past the checksummed headers of xz: LZMA chunks made of noise, with a valid frame around them.</summary>
    [Fact]
    public void NoiseInsideEachFormatEndsWithAStatus() => InTime(() =>
    {
        Random random = new(1);
        byte[] output = new byte[20_000];
        foreach (string name in GoldenFiles.Names)
        {
            byte[] packed = GoldenFiles.Get(name);
            // Long enough to keep every format's first header.
            int keep = name.StartsWith("Xz", StringComparison.Ordinal) ? 12 + (packed[12] + 1) * 4 + 6 : 10;
            for (int round = 0; round < 1000; round++)
            {
                byte[] noisy = new byte[random.Next(keep + 1, 3000)];
                random.NextBytes(noisy);
                packed.AsSpan(0, Math.Min(keep, packed.Length)).CopyTo(noisy);
                _ = KernelTestData.Unpack(noisy, output, out _);
            }
        }
    });

    [Fact]
    public void TooLittleScratchIsSaid()
    {
        byte[] packed = GoldenFiles.Get("XzX86Crc32");
        byte[] output = new byte[GoldenFiles.Length];
        Assert.Equal(DecompressStatus.ScratchTooSmall, Xz.Decompress(packed, output, default, out _));
        Assert.Equal(DecompressStatus.ScratchTooSmall, Gzip.Decompress(packed, output, default, out _));
        Assert.Equal(DecompressStatus.ScratchTooSmall, Zstd.Decompress(packed, output, default, out _));
    }

    [Fact]
    public void EveryStatusHasItsOwnText()
    {
        HashSet<string> texts = [];
        foreach (DecompressStatus status in Enum.GetValues<DecompressStatus>())
        {
            Assert.True(texts.Add(System.Text.Encoding.UTF8.GetString(DecompressStatusText.Text(status))), status.ToString());
        }
    }

    private static void InTime(Action action)
    {
        Task task = Task.Run(action);
        Assert.True(task.Wait(TimeSpan.FromSeconds(120)), "an endless loop");
    }
}
