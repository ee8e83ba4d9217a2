// SPDX-License-Identifier: MIT
// Writes a file of the cache so that others see it whole or not at all, several launchers at once included.

using System;
using System.IO;

namespace XenSharp.Lab.Common;

public static class CachedFile
{
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        string part = $"{path}.{Environment.ProcessId}.part";
        using (FileStream file = File.Create(part))
            file.Write(content);
        File.Move(part, path, overwrite: true);
    }
}
