// SPDX-License-Identifier: MIT
// Debian's archive as a source of files: resolves a package, downloads it with apt-get and unpacks it into the cache, without root.
// Used for what goes into dom0's ramdisk, which is never installed on the host.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using XenSharp.Lab.Common;

namespace XenSharp.Lab.Packages;

/// <summary>A package unpacked in the cache.</summary>
public sealed record UnpackedPackage(string Name, string Version, string Folder);

public static class AptArchive
{
    /// <summary>Whether the package lists know the package.</summary>
    public static bool IsKnown(string package) => Candidate(package) is not null;

    /// <summary>Changes whenever the host's package lists do: names what was made from whatever they offer.</summary>
    public static string ListsStamp => AptLists.Stamp();

    /// <summary>
    /// The newest version of a package that the host's package lists offer, unpacked. When the lists have none, they are refreshed once;
    /// when the archive cannot be reached, the newest one in the cache serves.
    /// </summary>
    public static UnpackedPackage Obtain(string package)
    {
        string? version = Candidate(package);
        if (version is null && NewestInCache(Regex.Escape(package)) is { } cached)
        {
            Progress.Notice($"The package lists do not know {package}; using the cached version {cached.Version}.");
            return cached;
        }
        if (version is null)
        {
            HostTools.RefreshLists($"The package lists do not know {package}");
            version = Candidate(package)
                ?? throw new LabException($"Debian's archive offers no package {package}; add a Debian mirror to /etc/apt/sources.list and run apt-get update.");
        }
        UnpackedPackage unpacked = Describe(package, version);
        if (Directory.Exists(unpacked.Folder))
            return unpacked;
        if (!TryDownload(unpacked, out string problem))
        {
            HostTools.RefreshLists($"{package} {version} cannot be downloaded ({problem})");
            version = Candidate(package) ?? version;
            unpacked = Describe(package, version);
            if (!TryDownload(unpacked, out problem))
                throw new LabException($"{package} {version} cannot be downloaded: {problem}. Check the network and /etc/apt/sources.list, then try again.");
        }
        return unpacked;
    }

    /// <summary>As <see cref="Obtain"/> for many, with one question to apt and one download for all.</summary>
    public static IReadOnlyList<UnpackedPackage> ObtainAll(IReadOnlyList<string> packages)
    {
        AptLists.Prefetch(packages);
        List<UnpackedPackage> wanted = [];
        foreach (string package in packages)
        {
            if (Candidate(package) is { } version && Describe(package, version) is var described && !Directory.Exists(described.Folder))
                wanted.Add(described);
        }
        if (wanted.Count > 1)
            TryDownload(wanted, out _);
        // What did not come is tried again on its own, and told of if it fails.
        return packages.Select(Obtain).ToArray();
    }

    /// <summary>The names of the packages that one depends on; of alternatives the first.</summary>
    public static IReadOnlyList<string> Dependencies(string package)
    {
        string depends = $"{AptLists.Field(package, "Pre-Depends")},{AptLists.Field(package, "Depends")}";
        return depends.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(part => part.Trim().Split(' ', '(', ':')[0]).Where(name => name.Length > 0).Distinct().ToArray();
    }

    /// <summary>The first package that <paramref name="package"/> depends on whose name starts with <paramref name="prefix"/>: a metapackage's real one.</summary>
    public static string ResolveDependency(string package, string prefix)
    {
        string? found = FindDependency(package, prefix);
        // linux-image-cloud-amd64 stands for names like linux-image-6.1.0-56-cloud-amd64.
        if (found is null && NewestInCache($"{prefix}[0-9.-]*{package[prefix.Length..]}") is { } cached)
            return cached.Name;
        if (found is null)
        {
            HostTools.RefreshLists($"The package lists do not know {package}");
            found = FindDependency(package, prefix);
        }
        return found ?? throw new LabException($"Debian's {package} depends on no package {prefix}*; the archive in /etc/apt/sources.list is not a Debian that XenSharp knows.");
    }

    private static string? FindDependency(string package, string prefix)
    {
        string? depends = AptLists.Field(package, "Depends");
        return depends?.Split([',', '|']).Select(part => part.Trim().Split(' ', '(')[0])
            .FirstOrDefault(name => name.StartsWith(prefix, StringComparison.Ordinal));
    }

    private static string? Candidate(string package) => AptLists.Field(package, "Version");

    private static UnpackedPackage Describe(string package, string version) =>
        new(package, version, Path.Combine(Repository.Cache, "packages", $"{package}_{version.Replace(':', '.')}"));

    private static UnpackedPackage? NewestInCache(string pattern)
    {
        string folder = Path.Combine(Repository.Cache, "packages");
        if (!Directory.Exists(folder))
            return null;
        DirectoryInfo? newest = new DirectoryInfo(folder).GetDirectories("*_*")
            .Where(candidate => !candidate.Name.EndsWith(".part", StringComparison.Ordinal) && Regex.IsMatch(candidate.Name, $"^{pattern}_"))
            .MaxBy(candidate => candidate.CreationTimeUtc);
        if (newest is null)
            return null;
        string[] parts = newest.Name.Split('_', 2);
        return new UnpackedPackage(parts[0], parts[1], newest.FullName);
    }

    private static bool TryDownload(UnpackedPackage package, out string problem) => TryDownload([package], out problem);

    /// <summary>Downloads and unpacks; false with the reason when not all of them came.</summary>
    private static bool TryDownload(IReadOnlyList<UnpackedPackage> packages, out string problem)
    {
        string part = Path.Combine(Repository.Cache, "packages", $"{packages[0].Name}.{Environment.ProcessId}.part");
        Directory.CreateDirectory(part);
        try
        {
            string[] versions = packages.Select(package => $"{package.Name}={package.Version}").ToArray();
            Progress.Notice(packages.Count == 1 ? $"downloading Debian's {packages[0].Name} {packages[0].Version}" : $"downloading {packages.Count} Debian packages: {string.Join(' ', packages.Select(package => package.Name))}");
            ProgramResult download = HostProgram.Capture("apt-get", ["-qq", "-o", "APT::Sandbox::User=root", "download", .. versions], part);
            problem = LastLine(download.Errors);
            return packages.All(package => TryUnpack(package, part)) && download.Succeeded;
        }
        finally
        {
            if (Directory.Exists(part))
                Directory.Delete(part, recursive: true);
        }
    }

    private static bool TryUnpack(UnpackedPackage package, string part)
    {
        string? archive = Directory.GetFiles(part, $"{package.Name}_*.deb").FirstOrDefault();
        if (archive is null)
            return false;
        string content = Path.Combine(part, package.Name);
        ProgramResult unpack = HostProgram.Capture("dpkg-deb", ["-x", archive, content]);
        if (!unpack.Succeeded)
            throw new LabException($"{Path.GetFileName(archive)} cannot be unpacked: {LastLine(unpack.Errors)}. Look whether {Repository.Cache} has room, then try again.");
        // Another launcher may have been faster; its result is as good.
        if (!Directory.Exists(package.Folder))
            Directory.Move(content, package.Folder);
        return true;
    }

    private static string LastLine(string text) => text.Trim().Split('\n')[^1].Trim() is { Length: > 0 } line ? line.TrimEnd('.') : "no reason given";
}
