// SPDX-License-Identifier: MIT
// Debian's Xen 4.17, the oracle: what ours is compared with. Used by --oracle, by benchmarks and by recordings.

using System.IO;
using System.IO.Compression;
using XenSharp.Lab.Common;

namespace XenSharp.Lab.Packages;

/// <param name="Package">The package, unpacked in the cache; nothing is installed.</param>
/// <param name="Hypervisor">The multiboot file.</param>
/// <param name="Image">The EFI form of it, which has sections.</param>
public sealed record DebianXen(UnpackedPackage Package, string Hypervisor, string Image)
{
    /// <summary>
    /// Vector registers are switched between domains at once, not lazily: with the latter, programs of dom0 were seen to die in QEMU's emulation while a guest
    /// booted.
    /// </summary>
    public const string Arguments = "spec-ctrl=eager-fpu";

    private const string Name = "xen-hypervisor-4.17-amd64";

    public static DebianXen Obtain()
    {
        UnpackedPackage package = AptArchive.Obtain(Name);
        string packed = Path.Combine(package.Folder, "boot/xen-4.17-amd64.gz");
        if (!File.Exists(packed))
            throw new LabException($"Debian's package {package.Name} {package.Version} has no boot/xen-4.17-amd64.gz; there is nothing to compare with.");
        string unpacked = Path.Combine(Repository.Cache, $"{Path.GetFileName(package.Folder)}.elf");
        if (!File.Exists(unpacked))
            CachedFile.Write(unpacked, Unpack(packed));
        return new DebianXen(package, unpacked, Path.ChangeExtension(packed, ".efi"));
    }

    private static byte[] Unpack(string path)
    {
        using GZipStream stream = new(File.OpenRead(path), CompressionMode.Decompress);
        using MemoryStream content = new();
        stream.CopyTo(content);
        return content.ToArray();
    }
}
