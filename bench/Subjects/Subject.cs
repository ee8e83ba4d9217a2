// SPDX-License-Identifier: MIT
// The two hypervisors that are compared. Made by Program, handed to every measurement.

using System.IO;
using System.IO.Compression;
using XenSharp.Lab.Common;
using XenSharp.Lab.Packages;

namespace XenSharp.Bench.Subjects;

/// <param name="Name">The heading of its column.</param>
/// <param name="Hypervisor">The multiboot file that QEMU starts.</param>
/// <param name="Sections">The file whose sections tell the size of its text.</param>
public sealed record Subject(string Name, string Version, string Hypervisor, string Sections)
{
    private const string Package = "xen-hypervisor-4.17-amd64";

    /// <summary>Debian's Xen, from the archive or the cache; nothing is installed.</summary>
    public static Subject Xen()
    {
        UnpackedPackage package = AptArchive.Obtain(Package);
        string packed = Path.Combine(package.Folder, "boot/xen-4.17-amd64.gz");
        if (!File.Exists(packed))
            throw new LabException($"Debian's package {package.Name} {package.Version} has no boot/xen-4.17-amd64.gz; there is nothing to compare with.");
        string unpacked = Path.Combine(Repository.Cache, $"{Path.GetFileName(package.Folder)}.elf");
        if (!File.Exists(unpacked))
            CachedFile.Write(unpacked, Unpack(packed));
        return new Subject("Xen 4.17", $"Debian {package.Version}", unpacked, Path.ChangeExtension(packed, ".efi"));
    }

    /// <summary>The hypervisor of this clone, or the file that XENSHARP_HYPERVISOR names.</summary>
    public static Subject Ours()
    {
        string path = Repository.Hypervisor;
        if (!File.Exists(path))
            throw new LabException($"There is no hypervisor at {path}; run ./xensharp build first.");
        return new Subject("XenSharp", path == Repository.BuiltHypervisor ? Path.GetRelativePath(Repository.Root, path) : path, path, path + ".syms");
    }

    private static byte[] Unpack(string path)
    {
        using GZipStream stream = new(File.OpenRead(path), CompressionMode.Decompress);
        using MemoryStream content = new();
        stream.CopyTo(content);
        return content.ToArray();
    }
}
