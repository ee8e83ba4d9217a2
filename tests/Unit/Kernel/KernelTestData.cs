// SPDX-License-Identifier: MIT
// Data sets, scratch memory and packing tools for the tests of this folder.

using System;
using System.Diagnostics;
using System.IO;
using XenSharp.Core.Boot.Kernel;
using Xunit;

namespace XenSharp.Tests.Unit.Kernel;

/// <summary>Data that packs well and badly, in every way that a format has a code path for. The same on every run.</summary>
internal static class KernelTestData
{
    public static byte[] Make(string name) => name switch
    {
        "empty" => [],
        "byte" => [0x42],
        "text" => Text(6000),
        "longtext" => Text(700_000),
        "zeros" => new byte[300_000],
        "pattern" => Pattern(200_003),
        "noise" => Noise(200_000, 7),
        "code" => Code(400_000),
        "far" => Far(),
        "large" => Large(),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "unknown data set"),
    };

    public static byte[] Text(int length)
    {
        string[] words = ["kernel ", "domain ", "page ", "event ", "channel ", "grant ", "table ", "the ", "of ", "and\n", "vcpu ", "0x1000 "];
        byte[] data = new byte[length];
        uint seed = 12345;
        int at = 0;
        while (at < length)
        {
            seed = seed * 1664525 + 1013904223;
            foreach (char c in words[(seed >> 16) % (uint)words.Length])
            {
                if (at < length)
                {
                    data[at++] = (byte)c;
                }
            }
        }
        return data;
    }

    public static byte[] Noise(int length, int seed)
    {
        byte[] data = new byte[length];
        new Random(seed).NextBytes(data);
        return data;
    }

    /// <summary>Short cycles of every length, for matches that overlap themselves.</summary>
    private static byte[] Pattern(int length)
    {
        byte[] data = new byte[length];
        int cycle = 1;
        for (int i = 0; i < length; i++)
        {
            if (i % 4096 == 4095)
            {
                cycle = cycle % 40 + 1;
            }
            data[i] = (byte)(i % cycle * 37 + cycle);
        }
        return data;
    }

    /// <summary>Like machine code: many calls and jumps with near targets, also close to one another, also at the end.</summary>
    private static byte[] Code(int length)
    {
        Random random = new(99);
        byte[] data = new byte[length];
        byte[] common = [0x48, 0x89, 0x8b, 0xe8, 0xe9, 0x00, 0xff, 0x55, 0x53, 0xc3, 0x0f, 0x85];
        for (int i = 0; i < length; i++)
        {
            data[i] = common[random.Next(common.Length)];
            if (random.Next(6) == 0 && i + 5 < length)
            {
                data[i] = (byte)(0xe8 + random.Next(2));
                int target = random.Next(length) - i;
                BitConverter.TryWriteBytes(data.AsSpan(i + 1), target);
                i += 4;
            }
        }
        return data;
    }

    /// <summary>Matches from megabytes away.</summary>
    private static byte[] Far()
    {
        byte[] noise = Noise(1_500_000, 3);
        byte[] data = new byte[4_500_000];
        noise.CopyTo(data, 0);
        noise.CopyTo(data, 1_500_001);
        Array.Copy(noise, 0, data, 3_000_017, 1_400_000);
        return data;
    }

    /// <summary>More than the 8 MiB of one lz4 block.</summary>
    private static byte[] Large()
    {
        byte[] data = new byte[9_000_000];
        byte[] text = Text(100_000);
        for (int at = 0; at < data.Length; at += text.Length)
        {
            Array.Copy(text, 0, data, at, Math.Min(text.Length, data.Length - at));
            data[at] = (byte)(at / text.Length);
        }
        return data;
    }

    private static readonly byte[] Bytes = new byte[DecompressScratch.ByteCount];
    private static readonly ushort[] Shorts = new ushort[DecompressScratch.ShortCount];
    private static readonly uint[] Words = new uint[DecompressScratch.WordCount];

    /// <summary>Shared by all tests of the collection, and left dirty between them on purpose.</summary>
    public static DecompressScratch Scratch => new(Bytes, Shorts, Words);

    public static DecompressStatus Unpack(byte[] packed, byte[] output, out int written)
    {
        PayloadFormat format = KernelPayload.Detect(packed);
        written = 0;
        return format switch
        {
            PayloadFormat.Gzip => Gzip.Decompress(packed, output, Scratch, out written),
            PayloadFormat.Xz => Xz.Decompress(packed, output, Scratch, out written),
            PayloadFormat.Lz4 => Lz4.Decompress(packed, output, out written),
            PayloadFormat.Zstd => Zstd.Decompress(packed, output, Scratch, out written),
            _ => DecompressStatus.BadMagic,
        };
    }

    public static string? FindTool(string tool)
    {
        foreach (string folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'))
        {
            string path = Path.Combine(folder, tool);
            if (File.Exists(path))
            {
                return path;
            }
        }
        return null;
    }

    /// <summary>Runs a filter program; its input comes from a pipe, so that it cannot know the size, or from a file.</summary>
    public static byte[] Run(string tool, string arguments, byte[] input, bool fromFile = true)
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, input);
            ProcessStartInfo start = new("/bin/sh")
            {
                RedirectStandardOutput = true,
                UseShellExecute = false,
            };
            start.ArgumentList.Add("-c");
            start.ArgumentList.Add(fromFile ? $"exec {tool} {arguments} -c '{file}'" : $"cat '{file}' | {tool} {arguments} -c");
            using Process process = Process.Start(start)!;
            using MemoryStream output = new();
            process.StandardOutput.BaseStream.CopyTo(output);
            process.WaitForExit();
            Assert.Equal(0, process.ExitCode);
            return output.ToArray();
        }
        finally
        {
            File.Delete(file);
        }
    }
}

/// <summary>A theory that is skipped, with the reason, where a program is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ToolTheoryAttribute : TheoryAttribute
{
    public ToolTheoryAttribute(string tool)
    {
        if (KernelTestData.FindTool(tool) is null)
        {
            Skip = $"the program {tool} is not installed";
        }
    }
}

[CollectionDefinition("Kernel", DisableParallelization = false)]
public sealed class KernelCollection;
