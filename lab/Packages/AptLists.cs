// SPDX-License-Identifier: MIT
// What the host's package lists say about a package, remembered as long as those lists stay the same. Used by AptArchive.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using XenSharp.Lab.Common;

namespace XenSharp.Lab.Packages;

/// <summary>The fields of a package's newest version. apt-cache takes up to a second for each question on a host without its binary cache, hence the memory.</summary>
internal static class AptLists
{
    private static readonly string[] s_sources = ["/var/lib/apt/lists", "/etc/apt", "/etc/apt/sources.list.d", "/etc/apt/preferences.d"];

    /// <summary>A field of <c>apt-cache show</c>; null when the package or the field is unknown.</summary>
    public static string? Field(string package, string field)
    {
        string start = field + ": ";
        return Show(package).Split('\n').FirstOrDefault(line => line.StartsWith(start, StringComparison.Ordinal))?[start.Length..].Trim();
    }

    /// <summary>Asks for many packages at once, so that <see cref="Field"/> finds them remembered.</summary>
    public static void Prefetch(IEnumerable<string> packages)
    {
        string[] unknown = packages.Where(package => !File.Exists(Remembered(package))).ToArray();
        if (unknown.Length < 2)
            return;
        foreach (string stanza in Ask(unknown).Output.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            string? name = stanza.Split('\n').FirstOrDefault(line => line.StartsWith("Package: ", StringComparison.Ordinal))?["Package: ".Length..].Trim();
            if (name is not null && unknown.Contains(name) && !File.Exists(Remembered(name)))
                CachedFile.Write(Remembered(name), Encoding.UTF8.GetBytes(stanza + "\n"));
        }
    }

    private static string Remembered(string package) => Path.Combine(Repository.Cache, "apt", $"{package}-{Stamp()}");

    private static ProgramResult Ask(IEnumerable<string> packages)
    {
        if (HostProgram.Find("apt-cache") is null)
            throw new LabException("This system has no apt-cache; XenSharp takes dom0's kernel from Debian's archive and must run on Debian.");
        return HostProgram.Capture("apt-cache", ["show", "--no-all-versions", .. packages]);
    }

    private static string Show(string package)
    {
        string path = Remembered(package);
        if (File.Exists(path))
            return File.ReadAllText(path);
        ProgramResult shown = Ask([package]);
        if (shown.Succeeded)
            CachedFile.Write(path, Encoding.UTF8.GetBytes(shown.Output));
        return shown.Output;
    }

    /// <summary>Names and times of the lists and of what says where they come from.</summary>
    public static string Stamp()
    {
        StringBuilder text = new();
        IEnumerable<FileInfo> files = s_sources.Where(Directory.Exists).SelectMany(folder => new DirectoryInfo(folder).EnumerateFiles());
        foreach (FileInfo file in files.OrderBy(file => file.FullName, StringComparer.Ordinal))
            text.Append($"{file.FullName} {file.LastWriteTimeUtc.Ticks} {file.Length}\n");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())))[..16];
    }
}
