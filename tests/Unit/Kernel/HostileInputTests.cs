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

    /// <summary>Damage to block header, index and footer of xz, with their checksums made right again: these fields must be checked too.</summary>
    [Theory]
    [InlineData("XzX86Crc32")]
    [InlineData("XzSha256")]
    public void DamagedXzHeadersWithRightChecksumsEndWithAStatus(string name) => InTime(() =>
    {
        Random random = new(31);
        uint[] table = new uint[Crc32.TableLength];
        Crc32.Build(table);
        byte[] packed = GoldenFiles.Get(name);
        int footer = packed.Length - 12;
        int indexLength = (BitConverter.ToInt32(packed, footer + 4) + 1) * 4;
        int index = footer - indexLength;
        byte[] output = new byte[GoldenFiles.Length + 100];
        byte[] values = [0x00, 0xff, 0x80, 0x7f, 0x01, 0x40, 0xc0, 0x21, 0x04];
        int rejected = 0;
        for (int round = 0; round < Rounds; round++)
        {
            byte[] damaged = (byte[])packed.Clone();
            int part = random.Next(3);
            int headerLength = (packed[12] + 1) * 4;
            int first = part == 0 ? 12 : part == 1 ? index : footer + 4;
            int last = part == 0 ? 12 + headerLength - 4 : part == 1 ? footer - 4 : footer + 10;
            for (int i = 0; i <= random.Next(3); i++)
            {
                damaged[random.Next(first, last)] = random.Next(2) == 0 ? values[random.Next(values.Length)] : (byte)random.Next(256);
            }
            int length = part == 0 ? (damaged[12] + 1) * 4 - 4 : last - first;
            int checksumAt = part == 2 ? footer : first + length;
            if (checksumAt + 4 <= damaged.Length)
            {
                BitConverter.TryWriteBytes(damaged.AsSpan(checksumAt), Crc32.Compute(table, damaged.AsSpan(first, length)));
            }
            DecompressStatus status = KernelTestData.Unpack(damaged, output, out int written);
            bool unchanged = damaged.AsSpan().SequenceEqual(packed);
            // A larger dictionary or other padding may be harmless; then the data is right.
            Assert.True(status != DecompressStatus.Ok || GoldenFiles.IsIntact(output.AsSpan(0, written)) || unchanged, $"{name}, round {round}");
            // Every field of index and footer says something that is known already.
            Assert.True(status != DecompressStatus.Ok || part == 0 || unchanged, $"{name}, round {round}: a wrong index or footer passed");
            rejected += status == DecompressStatus.Ok ? 0 : 1;
        }
        Assert.True(rejected > Rounds / 2);
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
