// SPDX-License-Identifier: MIT
// What toolstacks keep about a domain in files that xl and libxl of Xen find too: its configuration as the user wrote it, and libxl's record of it (libxl_dom.c).

using System;
using System.IO;
using System.Text;
using System.Text.Json;
using XenSharp.Configuration;

namespace XenSharp.Toolstack;

public static class UserData
{
    /// <summary>libxl's record: JSON of the whole configuration, kept true when devices come and go.</summary>
    public const string Record = "libxl-json";

    /// <summary>A configuration file that `xl config-update` has left for the next start of the domain.</summary>
    public const string Update = "xl";

    /// <summary>Tests have their own.</summary>
    internal static string Folder { get; set; } = "/var/lib/xen";

    public static void Write(int domain, Guid id, string what, ReadOnlySpan<byte> content)
    {
        string path = PathOf(domain, id, what, 'd'), next = PathOf(domain, id, what, 'n');
        Directory.CreateDirectory(Folder);
        FileStreamOptions options = new() { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite };
        using (FileStream file = new(next, options))
            file.Write(content);
        File.Move(next, path, overwrite: true);
    }

    /// <summary>Null if there is none.</summary>
    public static byte[]? Read(int domain, Guid id, string what) => File.Exists(PathOf(domain, id, what, 'd')) ? File.ReadAllBytes(PathOf(domain, id, what, 'd')) : null;

    public static void WriteConfiguration(int domain, DomainConfiguration configuration) =>
        Write(domain, configuration.CreateInfo.Uuid, Record, [.. Encoding.UTF8.GetBytes(configuration.ToJson()), 0]);

    /// <summary>Null if there is none that can be read.</summary>
    public static DomainConfiguration? ReadConfiguration(int domain, Guid id)
    {
        try
        {
            return Read(domain, id, Record) is { } json ? DomainConfiguration.FromJson(json.AsSpan().TrimEnd((byte)0)) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Takes all of a domain's files away.</summary>
    public static void Remove(int domain, Guid id)
    {
        if (!Directory.Exists(Folder))
            return;
        foreach (string path in Directory.GetFiles(Folder, $"userdata-?.{domain}.{id:D}.*"))
            File.Delete(path);
    }

    private static string PathOf(int domain, Guid id, string what, char state) => $"{Folder}/userdata-{state}.{domain}.{id:D}.{what}";
}
