// SPDX-License-Identifier: MIT
// Picks programs out of Debian packages together with the shared libraries that they need, for a ramdisk. Called by the ramdisk's builders.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using XenSharp.Lab.Common;

namespace XenSharp.Lab.Packages;

/// <summary>
/// Files by the path that they have in a ramdisk. Libraries are looked for in the packages that the programs' packages depend on, near ones first, so that
/// no list of libraries is kept here; packages that hold none of them are not downloaded.
/// </summary>
public sealed class PackageFiles
{
    private static readonly string[] s_libraryFolders = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib64", "usr/lib64", "usr/lib/x86_64-linux-gnu/systemd"];

    private readonly SortedDictionary<string, (string Source, bool IsProgram)> _files = new(StringComparer.Ordinal);
    private readonly List<UnpackedPackage> _packages = [];
    private readonly HashSet<string> _known = [];
    private readonly HashSet<string> _searched = [];
    private List<string> _next = [];

    public PackageFiles(params string[] packages) => _packages.AddRange(Obtain(packages));

    /// <summary>Name and version of each package that a file came from or might have come from.</summary>
    public IEnumerable<UnpackedPackage> Packages => _packages;

    /// <summary>The path in the ramdisk and the file on this machine.</summary>
    public IEnumerable<(string Path, string Source, bool IsProgram)> Files => _files.Select(file => (file.Key, file.Value.Source, file.Value.IsProgram));

    /// <summary>A program with its libraries. <paramref name="paths"/> are the places where a package may have it; it keeps the one where it is found.</summary>
    public void AddProgram(params string[] paths)
    {
        foreach (string path in paths)
        {
            if (Locate(path) is not { } source)
                continue;
            _files[path] = (source, true);
            AddNeeded(source);
            return;
        }
        throw new LabException($"None of the packages {string.Join(", ", _packages.Select(package => package.Name))} has the program {paths[0]}; Debian's archive holds versions that XenSharp does not know.");
    }

    /// <summary>A library that a program opens by name while it runs.</summary>
    public void AddLibrary(string name)
    {
        if (!_searched.Add(name))
            return;
        while (true)
        {
            foreach (string folder in s_libraryFolders)
            {
                if (Locate($"{folder}/{name}") is not { } source)
                    continue;
                _files[$"{folder}/{name}"] = (source, true);
                AddNeeded(source);
                return;
            }
            if (_next.Count == 0)
                throw new LabException($"No package has the library {name}; run `apt-get update` as root and try again.");
            _packages.AddRange(Obtain(_next));
        }
    }

    /// <summary>Everything below a folder of the packages, programs and texts alike.</summary>
    public void AddFolder(string folder)
    {
        foreach (UnpackedPackage package in _packages.Where(package => Directory.Exists(Path.Combine(package.Folder, folder))))
        {
            string root = Path.Combine(package.Folder, folder);
            foreach (string name in Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories))
            {
                string file = Resolve(package, name);
                _files[$"{folder}/{Path.GetRelativePath(root, name)}"] = (file, ProgramMode.IsSet(file));
            }
        }
    }

    private void AddNeeded(string program)
    {
        foreach (string library in ElfFile.Needed(File.ReadAllBytes(program)))
            AddLibrary(library);
    }

    /// <summary>Obtains packages; what they depend on is the next place to look, as far as its name says that it is a library.</summary>
    private IReadOnlyList<UnpackedPackage> Obtain(IReadOnlyList<string> names)
    {
        _known.UnionWith(names);
        IReadOnlyList<UnpackedPackage> obtained = AptArchive.ObtainAll(names);
        _next = names.SelectMany(AptArchive.Dependencies)
            .Where(name => name.StartsWith("lib", StringComparison.Ordinal) || name.StartsWith("zlib", StringComparison.Ordinal)).Where(_known.Add).ToList();
        return obtained;
    }

    private string? Locate(string path)
    {
        foreach (UnpackedPackage package in _packages)
        {
            string file = Resolve(package, Path.Combine(package.Folder, path));
            if (File.Exists(file))
                return file;
        }
        return null;
    }

    /// <summary>The ramdisk gets what links lead to, within the same package.</summary>
    private static string Resolve(UnpackedPackage package, string file)
    {
        while (new FileInfo(file).LinkTarget is { } target)
            file = target.StartsWith('/') ? package.Folder + target : Path.Combine(Path.GetDirectoryName(file)!, target);
        return file;
    }
}
