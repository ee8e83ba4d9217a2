// SPDX-License-Identifier: MIT
// Archives kept in the cache under a name that tells all that went into them. Used by every builder of a ramdisk.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using XenSharp.Lab.Common;

namespace XenSharp.Lab.Ramdisk;

internal static class RamdiskCache
{
    /// <summary>The file KIND-KEY.EXTENSION, made by <paramref name="build"/> if no former one has the same inputs.</summary>
    /// <param name="inputs">Everything that the content depends on, but for the lab's own code and files, which always count.</param>
    public static string Obtain(string kind, string extension, IEnumerable<string> inputs, string step, Func<byte[]> build)
    {
        string path = Path.Combine(Repository.Cache, $"{kind}-{Key(inputs)}.{extension}");
        if (File.Exists(path))
            return path;
        Progress.Step(step);
        CachedFile.Write(path, build());
        ForgetOld(kind, extension);
        return path;
    }

    /// <summary>A file that the lab carries in itself, from lab/Ramdisk/Files.</summary>
    public static byte[] Resource(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("dom0/" + name)
            ?? throw new LabException($"The lab was built without dom0's file {name}; remove out/lab and try again.");
        using MemoryStream content = new();
        stream.CopyTo(content);
        return content.ToArray();
    }

    /// <summary>The module's identity stands for the code that lays archives out and for the files that it carries.</summary>
    private static string Key(IEnumerable<string> inputs)
    {
        string text = $"{typeof(RamdiskCache).Assembly.ManifestModule.ModuleVersionId}\n{string.Join('\n', inputs)}";
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
    }

    /// <summary>Those of former packages or of former code; a day is longer than any launcher holds on to one.</summary>
    private static void ForgetOld(string kind, string extension)
    {
        foreach (FileInfo file in new DirectoryInfo(Repository.Cache).GetFiles($"{kind}-*.{extension}").Where(file => file.LastWriteTimeUtc < DateTime.UtcNow.AddDays(-1)))
            file.Delete();
    }
}
