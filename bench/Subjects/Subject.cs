// SPDX-License-Identifier: MIT
// The two hypervisors that are compared. Made by Program, handed to every measurement.

using System.IO;
using XenSharp.Lab.Common;
using XenSharp.Lab.Packages;

namespace XenSharp.Bench.Subjects;

/// <param name="Name">The heading of its column.</param>
/// <param name="Hypervisor">The multiboot file that QEMU starts.</param>
/// <param name="Sections">The file whose sections tell the size of its text.</param>
/// <param name="GuestArguments">What it needs on its command line with guests in this emulator.</param>
public sealed record Subject(string Name, string Version, string Hypervisor, string Sections, string GuestArguments = "")
{
    /// <summary>Debian's Xen, from the archive or the cache; nothing is installed.</summary>
    public static Subject Xen()
    {
        DebianXen xen = DebianXen.Obtain();
        return new Subject("Xen 4.17", $"Debian {xen.Package.Version}", xen.Hypervisor, xen.Image, DebianXen.Arguments);
    }

    /// <summary>The hypervisor of this clone, or the file that XENSHARP_HYPERVISOR names.</summary>
    public static Subject Ours()
    {
        string path = Repository.Hypervisor;
        if (!File.Exists(path))
            throw new LabException($"There is no hypervisor at {path}; run ./xensharp build first.");
        return new Subject("XenSharp", path == Repository.BuiltHypervisor ? Path.GetRelativePath(Repository.Root, path) : path, path, path + ".syms");
    }
}
