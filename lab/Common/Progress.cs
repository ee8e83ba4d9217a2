// SPDX-License-Identifier: MIT
// Progress of long steps, on stderr so that --exec's output stays clean; used by every part of the lab that can take seconds.

using System;
using XenSharp.Lab.Terminal;

namespace XenSharp.Lab.Common;

public static class Progress
{
    /// <summary>With --exec only slow or unusual steps speak, and in tests none does.</summary>
    public static bool Quiet { get; set; }

    /// <summary>A step of a few seconds at most.</summary>
    public static void Step(string sentence)
    {
        if (!Quiet)
            HostConsole.Error.WriteLine($"xensharp: {sentence}");
    }

    /// <summary>Something that the user must see even when quiet: an installation, a download, a warning.</summary>
    public static void Notice(string sentence) => HostConsole.Error.WriteLine($"xensharp: {sentence}");
}
