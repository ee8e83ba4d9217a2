// SPDX-License-Identifier: MIT

using System;
using System.Diagnostics;
using System.IO;
using XenSharp.BlockBackend.Images;
using Xunit;

namespace XenSharp.Tests.BlockBackend;

/// <summary>qemu-img makes and checks the images; a byte array says what they must hold.</summary>
public sealed class Qcow2Tests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("xensharp-qcow2-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("compat=1.1")]
    [InlineData("compat=0.10")]
    [InlineData("cluster_size=512")]
    [InlineData("cluster_size=2M")]
    public void RandomWritesAreReadBackAndTheImageStaysSound(string options)
    {
        string path = PathOf("disk.qcow2");
        Run("create", "-q", "-f", "qcow2", "-o", options, path, "9M");
        byte[] expected = new byte[9 << 20];
        Scribble(path, expected, seed: 1, rounds: 300);
        Verify(path, expected);
    }

    [Fact]
    public void ABackingFileShowsThroughAndStaysAsItIs()
    {
        string basePath = PathOf("base.raw"), path = PathOf("top.qcow2");
        byte[] content = new byte[(4 << 20) + 512];
        new Random(5).NextBytes(content);
        File.WriteAllBytes(basePath, content);
        Run("create", "-q", "-f", "qcow2", "-b", "base.raw", "-F", "raw", path, "6M");
        byte[] expected = new byte[6 << 20];
        content.CopyTo(expected, 0);
        Scribble(path, expected, seed: 2, rounds: 100);
        Verify(path, expected);
        Assert.Equal(content, File.ReadAllBytes(basePath));
    }

    [Fact]
    public void CompressedClustersAreReadAndWrittenOver()
    {
        string raw = PathOf("content.raw"), path = PathOf("packed.qcow2");
        byte[] expected = new byte[3 << 20];
        for (int i = 0; i < expected.Length; i++)
            expected[i] = (byte)(i / 777);
        File.WriteAllBytes(raw, expected);
        Run("convert", "-q", "-c", "-f", "raw", "-O", "qcow2", raw, path);
        Verify(path, expected, allowLeaks: true);
        Scribble(path, expected, seed: 3, rounds: 60);
        Verify(path, expected, allowLeaks: true);
    }

    [Fact]
    public void ASnapshotKeepsItsContent()
    {
        string path = PathOf("snapped.qcow2");
        Run("create", "-q", "-f", "qcow2", path, "5M");
        byte[] old = new byte[5 << 20];
        Scribble(path, old, seed: 4, rounds: 80);
        Run("snapshot", "-c", "before", path);
        byte[] expected = (byte[])old.Clone();
        Scribble(path, expected, seed: 5, rounds: 80);
        Verify(path, expected);
        Run("snapshot", "-a", "before", path);
        Verify(path, old);
    }

    [Fact]
    public void DiscardedClustersReadAsZeros()
    {
        string path = PathOf("discard.qcow2");
        Run("create", "-q", "-f", "qcow2", path, "2M");
        byte[] expected = new byte[2 << 20];
        using (Qcow2Image image = Open(path))
        {
            byte[] ones = new byte[1 << 20];
            Array.Fill(ones, (byte)1);
            image.Write(0, ones);
            image.Discard(1000 * 512, 600 * 512);
            ones.CopyTo(expected, 0);
            long first = ((1000 * 512) + 65535) & -65536, end = (1600 * 512) & -65536;
            expected.AsSpan((int)first, (int)(end - first)).Clear();
        }

        Verify(path, expected);
    }

    [Fact]
    public void UnsafeImagesAreRefusedByName()
    {
        string path = PathOf("bad.qcow2");
        Run("create", "-q", "-f", "qcow2", path, "1M");
        byte[] good = File.ReadAllBytes(path);
        AssertRefused(path, good, 4, [0, 0, 0, 9], "version 9");
        AssertRefused(path, good, 20, [0, 0, 0, 60], "clusters of 2^60");
        AssertRefused(path, good, 32, [0, 0, 0, 1], "encrypted");
        AssertRefused(path, good, 79, [1], "qemu-img check");
        AssertRefused(path, good, 36, [0, 0, 0, 0], "first-level table");
        AssertRefused(path, good, 40, [0xff, 0, 0, 0, 0, 0, 0, 0], "illegal offset");
        AssertRefused(path, good, 24, [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], "illegal size");
        Run("create", "-q", "-f", "qcow2", "-u", "-b", "none.raw", "-F", "vmdk", path, "1M");
        Assert.Contains("vmdk", Assert.Throws<InvalidDataException>(() => ImageOpener.Open("qcow2:" + path, true)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NoDamageOfTheHeaderOrTablesBreaksMoreThanTheImage()
    {
        string path = PathOf("fuzz.qcow2");
        Run("create", "-q", "-f", "qcow2", "-o", "cluster_size=4096", path, "1M");
        Scribble(path, new byte[1 << 20], seed: 6, rounds: 20);
        byte[] good = File.ReadAllBytes(path);
        var random = new Random(7);
        byte[] buffer = new byte[65536];
        for (int round = 0; round < 400; round++)
        {
            byte[] bad = (byte[])good.Clone();
            for (int i = 0; i < 8; i++)
                bad[random.Next(random.Next(2) == 0 ? 112 : 24576)] = (byte)random.Next(256);
            File.WriteAllBytes(path, bad);
            try
            {
                using DiskImage image = ImageOpener.Open("qcow2:" + path, readOnly: false);
                long end = Math.Min(image.Length, 1 << 20);
                for (long offset = 0; offset + buffer.Length <= end; offset += buffer.Length)
                    image.Read(offset, buffer);
                if (end >= 4096)
                    image.Write(0, buffer.AsSpan(0, 4096));
            }
            catch (Exception fault) when (fault is InvalidDataException or IOException)
            {
            }
        }
    }

    private void AssertRefused(string path, byte[] good, int offset, byte[] patch, string sentence)
    {
        byte[] bad = (byte[])good.Clone();
        patch.CopyTo(bad, offset);
        File.WriteAllBytes(path, bad);
        string message = Assert.Throws<InvalidDataException>(() => Open(path)).Message;
        Assert.Contains(sentence, message, StringComparison.Ordinal);
        Assert.Contains(path, message, StringComparison.Ordinal);
    }

    private static Qcow2Image Open(string path) => (Qcow2Image)ImageOpener.Open("qcow2:" + path, readOnly: false);

    private static void Scribble(string path, byte[] expected, int seed, int rounds)
    {
        var random = new Random(seed);
        using Qcow2Image image = Open(path);
        for (int i = 0; i < rounds; i++)
        {
            int sectors = random.Next(1, 300), start = random.Next(0, (expected.Length / 512) - sectors);
            Span<byte> part = expected.AsSpan(start * 512, sectors * 512);
            if (random.Next(3) > 0)
            {
                random.NextBytes(part);
                image.Write(start * 512L, part);
                continue;
            }

            byte[] read = new byte[part.Length];
            image.Read(start * 512L, read);
            Assert.True(part.SequenceEqual(read));
        }

        image.Flush();
    }

    private void Verify(string path, byte[] expected, bool allowLeaks = false)
    {
        if (!allowLeaks)
            Run("check", "-q", path);
        string raw = PathOf("verify.raw");
        Run("convert", "-q", "-f", "qcow2", "-O", "raw", path, raw);
        Assert.True(expected.AsSpan().SequenceEqual(File.ReadAllBytes(raw)));
    }

    private string PathOf(string name) => Path.Combine(_directory, name);

    private static void Run(params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo("qemu-img", arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"qemu-img {string.Join(' ', arguments)}: {output}");
    }
}
