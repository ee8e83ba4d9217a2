// SPDX-License-Identifier: MIT
// A folder in the host's temporary directory that goes when it is disposed, or when the process ends first. Used by machines, images and tests.

using System;
using System.Collections.Concurrent;
using System.IO;

namespace XenSharp.Lab.Common;

public sealed class TemporaryFolder : IDisposable
{
    private static readonly ConcurrentDictionary<string, bool> s_alive = new();

    // An interrupt or a termination runs this, but no finally block.
    static TemporaryFolder() => AppDomain.CurrentDomain.ProcessExit += (_, _) =>
    {
        foreach (string folder in s_alive.Keys)
            Remove(folder);
    };

    public TemporaryFolder()
    {
        Folder = Directory.CreateTempSubdirectory("xensharp-").FullName;
        s_alive[Folder] = true;
    }

    public string Folder { get; }

    public string File(string name) => Path.Combine(Folder, name);

    public void Dispose() => Remove(Folder);

    private static void Remove(string folder)
    {
        try
        {
            if (s_alive.TryRemove(folder, out _))
                Directory.Delete(folder, recursive: true);
        }
        catch (IOException)
        {
            // A file in it came or went at this moment; what is left lies in /tmp, where nothing lasts.
        }
    }
}
