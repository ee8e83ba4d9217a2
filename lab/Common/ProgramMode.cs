// SPDX-License-Identifier: MIT
// Whether a file may be run, and making it so. Used where files of packages become files of ramdisks and disks.

using System;
using System.IO;

namespace XenSharp.Lab.Common;

internal static class ProgramMode
{
    private const UnixFileMode Run = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    public static bool IsSet(string file) => !OperatingSystem.IsWindows() && (File.GetUnixFileMode(file) & UnixFileMode.UserExecute) != 0;

    public static void Set(string file)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(file, File.GetUnixFileMode(file) | Run);
    }
}
