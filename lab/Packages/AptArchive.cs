// SPDX-License-Identifier: MIT
// Debian's archive as a source of files: resolves a package, downloads it with apt-get and unpacks it into the cache, without root.
// Used for what goes into dom0's ramdisk, which is never installed on the host.

using System;
using System.IO;
using System.Linq;
using XenSharp.Lab.Common;

namespace XenSharp.Lab.Packages;

/// <summary>A package unpacked in the cache.</summary>
public sealed record UnpackedPackage(string Name, string Version, string Folder);

public static class AptArchive
{
    /// <summary>Whether the package lists know the package.</summary>
    public static bool IsKnown(string package) => Candidate(package) is not null;

    /// <summary>
    /// The newest version of a package that the host's package lists offer, unpacked. When the lists have none, they are refreshed once;
    /// when the archive cannot be reached, the newest one in the cache serves.
    /// </summary>
    public static UnpackedPackage Obtain(string package)
    {
        string? version = Candidate(package);
        if (version is null && NewestInCache(package) is { } cached)
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
        if (!TryDownload(package, version, unpacked.Folder, out string problem))
        {
            HostTools.RefreshLists($"{package} {version} cannot be downloaded ({problem})");
            version = Candidate(package) ?? version;
            unpacked = Describe(package, version);
            if (!TryDownload(package, version, unpacked.Folder, out problem))
                throw new LabException($"{package} {version} cannot be downloaded: {problem}. Check the network and /etc/apt/sources.list, then try again.");
        }
        return unpacked;
    }

    /// <summary>The first package that <paramref name="package"/> depends on whose name starts with <paramref name="prefix"/>: a metapackage's real one.</summary>
    public static string ResolveDependency(string package, string prefix)
    {
        string? found = FindDependency(package, prefix);
        if (found is null && NewestInCache(prefix, isPrefix: true) is { } cached)
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

    private static UnpackedPackage? NewestInCache(string package, bool isPrefix = false)
    {
        string folder = Path.Combine(Repository.Cache, "packages");
        if (!Directory.Exists(folder))
            return null;
        DirectoryInfo? newest = new DirectoryInfo(folder).GetDirectories(isPrefix ? package + "*_*" : package + "_*")
            .Where(candidate => !candidate.Name.EndsWith(".part", StringComparison.Ordinal))
            .MaxBy(candidate => candidate.CreationTimeUtc);
        if (newest is null)
            return null;
        string[] parts = newest.Name.Split('_', 2);
        return new UnpackedPackage(parts[0], parts[1], newest.FullName);
    }

    private static bool TryDownload(string package, string version, string folder, out string problem)
    {
        string part = $"{folder}.{Environment.ProcessId}.part";
        Directory.CreateDirectory(part);
        try
        {
            Progress.Notice($"downloading Debian's {package} {version}");
            ProgramResult download = HostProgram.Capture("apt-get", ["-qq", "-o", "APT::Sandbox::User=root", "download", $"{package}={version}"], part);
            string? archive = Directory.GetFiles(part, "*.deb").FirstOrDefault();
            if (!download.Succeeded || archive is null)
            {
                problem = LastLine(download.Errors);
                return false;
            }
            ProgramResult unpack = HostProgram.Capture("dpkg-deb", ["-x", archive, part]);
            File.Delete(archive);
            if (!unpack.Succeeded)
            {
                problem = LastLine(unpack.Errors);
                return false;
            }
            // Another launcher may have been faster; its result is as good.
            if (!Directory.Exists(folder))
                Directory.Move(part, folder);
            problem = "";
            return true;
        }
        finally
        {
            if (Directory.Exists(part))
                Directory.Delete(part, recursive: true);
        }
    }

    private static string LastLine(string text) => text.Trim().Split('\n')[^1].Trim() is { Length: > 0 } line ? line.TrimEnd('.') : "no reason given";
}
