// SPDX-License-Identifier: MIT
// The files that libxl keeps of each domain in /var/lib/xen, above all its configuration. Used by list --long, config-update and the device commands.

using System;
using System.IO;
using System.Text.Json;
using XenSharp.Abi;
using XenSharp.Configuration;
using XenSharp.Control;

namespace XenSharp.Xl.Commands;

internal static class DomainRecords
{
    /// <summary>Where the files are; another folder in tests.</summary>
    internal const string DefaultFolder = "/var/lib/xen";

    /// <summary>The configuration as it was when the domain was created or last changed; null if nobody kept it.</summary>
    public static DomainConfiguration? ReadConfiguration(string folder, in DomctlGetDomainInfo domain)
    {
        string path = PathOf(folder, domain, "libxl-json");
        if (!File.Exists(path))
            return null;
        try
        {
            ReadOnlySpan<byte> text = File.ReadAllBytes(path);
            // libxl writes the string with its nul.
            return DomainConfiguration.FromJson(text.TrimEnd((byte)0));
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Keeps the text of the domain's configuration file, as xl create does.</summary>
    public static void WriteSource(string folder, in DomctlGetDomainInfo domain, ReadOnlySpan<byte> text)
    {
        string path = PathOf(folder, domain, "xl"), fresh = PathOf(folder, domain, "xl", kind: 'n');
        File.WriteAllBytes(fresh, text);
        File.Move(fresh, path, overwrite: true);
    }

    private static string PathOf(string folder, in DomctlGetDomainInfo domain, string what, char kind = 'd') =>
        Path.Combine(folder, $"userdata-{kind}.{domain.Domain}.{Hypervisor.ToGuid(domain.Handle):D}.{what}");
}
