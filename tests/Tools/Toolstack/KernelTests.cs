// SPDX-License-Identifier: MIT
// Kernels in all wrappings, broken ones, and the cache.

using System;
using System.Diagnostics;
using System.IO;
using System.IO.Compression;
using System.Linq;
using K4os.Compression.LZ4;
using XenSharp.Toolstack;
using XenSharp.Toolstack.Kernel;
using Xunit;

namespace XenSharp.Tests.Tools.Toolstack;

public sealed class KernelTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kernel").FullName;

    [Theory]
    [InlineData("gzip")]
    [InlineData("zstd")]
    [InlineData("lz4")]
    [InlineData("bzip2")]
    [InlineData("lzma")]
    [InlineData("xz")]
    [InlineData("lzo")]
    public void PackedKernelIsUnpacked(string format)
    {
        byte[] elf = TestKernel.Elf(300_000);
        if (Pack(format, elf) is not { } packed)
            return;
        string path = Write("vmlinuz", TestKernel.BzImage(packed, elf.Length, appendsSize: format != "gzip"));
        KernelImage image = KernelFile.Load(path);
        Assert.True(image.File.Span.SequenceEqual(elf));
        Assert.Equal(TestKernel.Entry, image.Entry);
        // A packed ELF without the boot code around it.
        Assert.True(KernelFile.Load(Write("packed", packed)).File.Span.SequenceEqual(elf));
    }

    [Fact]
    public void PlainElfIsTakenAsItIs()
    {
        KernelImage image = KernelFile.Load(Write("vmlinux", TestKernel.Elf()));
        KernelSegment segment = Assert.Single(image.Segments);
        Assert.Equal((TestKernel.Address, 8192, 16384ul), (segment.Address, segment.FileSize, segment.MemorySize));
        Assert.Equal((TestKernel.Address, TestKernel.Address + 16384ul), (image.Start, image.End));
        Assert.True(image.TakesModulesAnywhere);
        Assert.True(image.FindsRsdpAnywhere);
        Assert.Equal("linux", image.GuestOs);
    }

    [Fact]
    public void WhatCannotBeStartedIsRefusedWithItsReason()
    {
        Assert.Contains("PHYS32_ENTRY", Refusal(TestKernel.Elf(hasEntry: false)));
        Assert.Contains("neither a bzImage nor an ELF", Refusal(new byte[100_000]));
        Assert.Contains("cut short", Refusal(TestKernel.BzImage(new byte[5000], 10000)[..4000]));
        Assert.Contains("damaged", Refusal(TestKernel.Elf()[..5000]));
        byte[] gzip = Pack("gzip", TestKernel.Elf())!;
        gzip.AsSpan(100, 50).Fill(0xFF);
        Assert.Contains("gzip", Refusal(TestKernel.BzImage(gzip, 20000, appendsSize: false)));
        Assert.Contains("is not there", Assert.Throws<ToolstackException>(() => KernelFile.Load(Path.Combine(_folder, "none"))).Message);
    }

    [Fact]
    public void DamagedFilesAreRefusedAndNothingElse()
    {
        byte[] elf = TestKernel.Elf(2000);
        Random random = new(7);
        for (int round = 0; round < 2000; round++)
        {
            byte[] damaged = [.. elf];
            for (int count = 0; count < 4; count++)
                damaged[random.Next(400)] = (byte)random.Next(256);
            try
            {
                KernelImage.Read(damaged, "x");
            }
            catch (Exception failure) when (failure is ToolstackException or OverflowException)
            {
                Assert.IsType<ToolstackException>(failure);
            }
        }
    }

    [Fact]
    public void CacheServesTheSecondTimeAndOnlyTheSameContent()
    {
        KernelCache cache = new(Path.Combine(_folder, "cache"));
        byte[] elf = TestKernel.Elf(300_000), other = TestKernel.Elf(300_001);
        byte[] image = TestKernel.BzImage(Pack("lz4", elf)!, elf.Length), second = TestKernel.BzImage(Pack("lz4", other)!, other.Length);
        KernelFile.Load(Write("a", image), cache);
        Assert.True(cache.Find(image)!.Content.Span.SequenceEqual(elf));
        Assert.Null(cache.Find(second));
        Assert.True(KernelFile.Load(Write("b", image), cache).File.Span.SequenceEqual(elf));
    }

    [Fact]
    public void CacheDropsWhatWasCutShortAndWhatIsOldest()
    {
        string folder = Path.Combine(_folder, "cache");
        KernelCache cache = new(folder, mostBytes: 250_000);
        byte[] first = [1], second = [2], third = [3];
        cache.Keep(first, new byte[100_000]);
        string file = Directory.GetFiles(folder).Single();
        using (FileStream stream = File.OpenWrite(file))
            stream.SetLength(50_000);
        Assert.Null(cache.Find(first));
        cache.Keep(first, new byte[100_000]);
        File.SetLastAccessTimeUtc(file, DateTime.UtcNow.AddDays(-1));
        cache.Keep(second, new byte[100_000]);
        cache.Keep(third, new byte[100_000]);
        Assert.Null(cache.Find(first));
        Assert.NotNull(cache.Find(second));
        Assert.NotNull(cache.Find(third));
        cache.Keep([4], new byte[300_000]);
        Assert.NotNull(cache.Find(third));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Refusal(byte[] file) => Assert.Throws<ToolstackException>(() => KernelFile.Load(Write("bad", file))).Message;

    private string Write(string name, byte[] content)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, content);
        return path;
    }

    /// <summary>Null where this host has no program for the format.</summary>
    private byte[]? Pack(string format, byte[] plain)
    {
        using MemoryStream packed = new();
        switch (format)
        {
            case "gzip":
                using (GZipStream stream = new(packed, CompressionLevel.Fastest, leaveOpen: true))
                    stream.Write(plain);
                return packed.ToArray();
            case "zstd":
                using (ZstdSharp.CompressionStream stream = new(packed, leaveOpen: true))
                    stream.Write(plain);
                return packed.ToArray();
            case "lz4":
                byte[] block = new byte[LZ4Codec.MaximumOutputSize(plain.Length)];
                int length = LZ4Codec.Encode(plain, block);
                return [0x02, 0x21, 0x4C, 0x18, .. BitConverter.GetBytes(length), .. block[..length]];
            case "bzip2":
                return Run("bzip2", plain, "-c");
            case "lzma":
                return Run("xz", plain, "--format=lzma", "-c");
            case "xz":
                return Run("xz", plain, "--check=crc32", "--x86", "--lzma2=dict=8MiB", "-c");
            default:
                return Run("lzop", plain, "-c");
        }
    }

    private static byte[]? Run(string program, byte[] input, params string[] arguments)
    {
        if (!Array.Exists(["/usr/bin/", "/bin/"], folder => File.Exists(folder + program)))
            return null;
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        _ = System.Threading.Tasks.Task.Run(() =>
        {
            process.StandardInput.BaseStream.Write(input);
            process.StandardInput.Close();
        });
        using MemoryStream output = new();
        process.StandardOutput.BaseStream.CopyTo(output);
        process.WaitForExit();
        return output.ToArray();
    }
}
