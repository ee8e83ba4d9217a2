// SPDX-License-Identifier: MIT
// Debian's kernel as it comes. Skipped where none is at hand: XENSHARP_KERNEL=/path, /boot/vmlinuz-*-amd64, or a
// linux-image-*.deb in out/cache (apt-get download linux-image-...-amd64).

using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using XenSharp.Core.Boot.Kernel;
using Xunit;

namespace XenSharp.Tests.Unit.Kernel;

[AttributeUsage(AttributeTargets.Method)]
public sealed class DebianKernelFactAttribute : FactAttribute
{
    public DebianKernelFactAttribute()
    {
        if (DebianKernelTests.FindKernel() is null)
        {
            Skip = "no Debian kernel: set XENSHARP_KERNEL, or put a linux-image-*-amd64 package into out/cache";
        }
    }
}

[Collection("Kernel")]
public sealed class DebianKernelTests
{
    [DebianKernelFact]
    public void UnpacksToWhatXzUnpacks()
    {
        byte[] file = File.ReadAllBytes(FindKernel()!);
        KernelImage image = KernelImage.Inspect(file);
        Assert.Equal((KernelKind.BzImage, KernelError.None), (image.Kind, image.Error));
        byte[] unpacked = new byte[image.UnpackedSize];
        image.Unpack(unpacked, KernelTestData.Scratch);
        Assert.Equal(DecompressStatus.Ok, image.UnpackStatus);
        image.InspectUnpacked(unpacked);
        Assert.Equal(KernelError.None, image.Error);
        Assert.True(image.Elf.Is64Bit);
        Assert.Equal(0x1000000UL, image.Elf.Start);
        Assert.InRange(image.Notes.Phys32Entry, image.Elf.Start, image.Elf.End);
        Assert.Equal("linux", System.Text.Encoding.ASCII.GetString(image.Notes.GuestOs));

        string tool = System.Text.Encoding.ASCII.GetString(KernelPayload.Name(image.Format));
        if (KernelTestData.FindTool(tool) is not null)
        {
            byte[] reference = KernelTestData.Run(tool, "-d", image.Payload.ToArray(), fromFile: false);
            Assert.True(reference.AsSpan().SequenceEqual(unpacked), $"differs from {tool} -d");
        }
    }

    /// <summary>The path of a packed kernel, taken out of its package first where need be.</summary>
    internal static string? FindKernel()
    {
        string? given = Environment.GetEnvironmentVariable("XENSHARP_KERNEL");
        if (given is not null && File.Exists(given))
        {
            return given;
        }
        if (Directory.Exists("/boot"))
        {
            string? installed = Directory.GetFiles("/boot", "vmlinuz-*-amd64").Order().LastOrDefault();
            if (installed is not null)
            {
                return installed;
            }
        }
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Directory.Packages.props")))
        {
            folder = folder.Parent;
        }
        string cache = Path.Combine(folder?.FullName ?? "/", "out", "cache");
        if (folder is null || !Directory.Exists(cache))
        {
            return null;
        }
        string? found = Directory.GetFiles(cache, "vmlinuz*", SearchOption.AllDirectories).Order().LastOrDefault();
        if (found is not null)
        {
            return found;
        }
        string? package = Directory.GetFiles(cache, "linux-image-*-amd64_*.deb", SearchOption.AllDirectories).Order().LastOrDefault();
        if (package is null || KernelTestData.FindTool("dpkg-deb") is null)
        {
            return null;
        }
        string target = Path.Combine(cache, "vmlinuz-" + Path.GetFileNameWithoutExtension(package));
        ProcessStartInfo start = new("/bin/sh") { UseShellExecute = false };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add($"dpkg-deb --fsys-tarfile '{package}' | tar -xO --wildcards './boot/vmlinuz*' > '{target}.new' && mv '{target}.new' '{target}'");
        using Process process = Process.Start(start)!;
        process.WaitForExit();
        return process.ExitCode == 0 && File.Exists(target) ? target : null;
    }
}
