// SPDX-License-Identifier: MIT
// A user's own guest: reads its configuration, finds the files that it names on this machine and gives them paths in dom0. Called by GuestOptions.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using XenSharp.Lab.Common;
using XenSharp.Lab.Ramdisk;

namespace XenSharp.Lab.Guests;

/// <summary>
/// Every problem is one sentence with file and line. Paths below <c>/dev</c> are left as they are: they are dom0's own devices, such as the disks of
/// <c>--disk</c>.
/// </summary>
public static class GuestConfiguration
{
    private const int UsualMemoryMiB = 128;

    private static readonly string[] s_fileSettings = ["kernel", "ramdisk"];
    private static readonly string[] s_otherFormats = ["qcow", "vhd", "qed", "format=qcow", "format=vhd", "format=qed"];
    private static readonly string[] s_oldPrefixes = ["file:", "phy:", "tap:aio:", "tap2:aio:", "tap:"];

    /// <summary>Reads the file and resolves its paths, which are relative to the current folder, as xl takes them, or to the configuration's own.</summary>
    /// <param name="memoryMiB">What the guest wants.</param>
    public static GuestSegment Read(string path, out int memoryMiB)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new LabException($"--guest names {path}, which cannot be read: {error.Message}", ExitStatus.Usage);
        }
        return Parse(text, path, out memoryMiB);
    }

    internal static GuestSegment Parse(string text, string file, out int memoryMiB)
    {
        ConfigurationText configuration = new(text, file);
        string name = configuration.Find("name")?.Value ?? throw new LabException($"{file} gives the guest no name; add a line like name = \"guest\".", ExitStatus.Usage);
        if (configuration.Find("bootloader") is { } loader)
            throw new LabException($"{file}:{loader.Line}: bootloader = \"{loader.Value}\" needs a program that this dom0 has not; name the guest's kernel with kernel = instead.", ExitStatus.Usage);
        List<(string Name, string Source)> files = [];
        Dictionary<ConfigurationValue, string> replacements = [];
        bool usesBackend = false;
        foreach (ConfigurationValue value in configuration.Values)
        {
            if (s_fileSettings.Contains(value.Key))
                replacements[value] = Place(value.Value, value, file, files);
            else if (value.Key == "disk")
                replacements[value] = WithBackend(PlaceDisk(value, file, files), ref usesBackend);
        }
        memoryMiB = Math.Max(Number(configuration, "memory"), Number(configuration, "maxmem"));
        string result = configuration.With(replacements);
        // Whoever names a device model of his own has put it into dom0 himself.
        usesBackend &= configuration.Find("device_model_override") is null;
        if (usesBackend)
            result = $"{result.TrimEnd('\n')}\n{BackendSegment.Settings}";
        return new GuestSegment(name, result, files, CreateAtStart: true) { UsesBackend = usesBackend };
    }

    /// <summary>A qcow2 image is nothing that dom0's kernel can serve: xl must leave it to the device model.</summary>
    private static string WithBackend(string specification, ref bool usesBackend)
    {
        string[] parts = specification.Split(',', StringSplitOptions.TrimEntries);
        bool isNamed = parts.Contains(BackendSegment.DiskSetting), isQcow2 = parts.Any(part => part is "qcow2" or "format=qcow2");
        usesBackend |= isNamed || isQcow2;
        if (isNamed || !isQcow2)
            return specification;
        // All that follows target= is the path; without it the path comes first.
        return specification.Contains("target=", StringComparison.Ordinal) ? $"{BackendSegment.DiskSetting},{specification}" : $"{specification},{BackendSegment.DiskSetting}";
    }

    /// <summary>The disk's specification with dom0's path in place of ours: <c>TARGET,FORMAT,VDEV,ACCESS</c> or <c>key=value,...,target=TARGET</c>.</summary>
    private static string PlaceDisk(ConfigurationValue value, string file, List<(string, string)> files)
    {
        string specification = value.Value;
        if (specification.Split(',').Any(part => s_otherFormats.Contains(part.Trim())))
        {
            throw new LabException(
                $"{file}:{value.Line}: disk \"{specification}\" is neither a raw nor a qcow2 image, and this dom0 reads no other; convert it with `qemu-img convert -O qcow2`.", ExitStatus.Usage);
        }
        int start = specification.IndexOf("target=", StringComparison.Ordinal);
        int end = specification.Length;
        if (start >= 0)
        {
            start += "target=".Length;
        }
        else
        {
            start = s_oldPrefixes.FirstOrDefault(prefix => specification.StartsWith(prefix, StringComparison.Ordinal))?.Length ?? 0;
            end = specification.IndexOf(',') is >= 0 and int comma ? comma : specification.Length;
        }
        string target = specification[start..end].Trim();
        return target.Length == 0 || target.StartsWith("/dev/", StringComparison.Ordinal)
            ? specification
            : specification[..start] + Place(target, value, file, files) + specification[end..];
    }

    private static string Place(string path, ConfigurationValue value, string file, List<(string Name, string Source)> files)
    {
        string[] candidates = [Path.GetFullPath(path), Path.GetFullPath(path, Path.GetDirectoryName(Path.GetFullPath(file))!)];
        string source = candidates.FirstOrDefault(File.Exists)
            ?? throw new LabException($"{file}:{value.Line}: {value.Key} names {path}, which is not a file on this machine; correct the path or put the file there.", ExitStatus.Usage);
        (string Name, string Source) known = files.FirstOrDefault(other => other.Source == source);
        if (known.Name is not null)
            return $"{GuestSegment.Folder}/{known.Name}";
        string name = $"{files.Count}-{Path.GetFileName(source).Replace(',', '_').Replace('"', '_')}";
        files.Add((name, source));
        return $"{GuestSegment.Folder}/{name}";
    }

    private static int Number(ConfigurationText configuration, string key) =>
        configuration.Find(key) is { } value && int.TryParse(value.Value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : UsualMemoryMiB;
}
