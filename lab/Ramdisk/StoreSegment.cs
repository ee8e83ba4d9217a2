// SPDX-License-Identifier: MIT
// Our xenstored in place of Debian's, as a part of dom0's ramdisk. Used by the run command.

using System.IO;
using XenSharp.Lab.Build;

namespace XenSharp.Lab.Ramdisk;

/// <summary>An archive behind <see cref="ToolsSegment"/>'s: it holds the same path, and the last one counts.</summary>
public static class StoreSegment
{
    public static byte[] Archive()
    {
        CpioWriter archive = new();
        archive.AddFile($"{ToolsSegment.Private}/xenstored", File.ReadAllBytes(ProjectBuild.Xenstored()), isProgram: true);
        return archive.Finish();
    }
}
