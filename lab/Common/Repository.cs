// SPDX-License-Identifier: MIT
// Where things are: the repository's root and the paths below it that several parts of the lab share.

using System;
using System.IO;

namespace XenSharp.Lab.Common;

/// <summary>Paths in the repository. Everything that the lab makes lies under <see cref="Out"/>, what can be made again cheaply or downloaded under <see cref="Cache"/>.</summary>
public static class Repository
{
    public static string Root { get; } = FindRoot();

    public static string Out => Path.Combine(Root, "out");

    public static string Cache => Directory.CreateDirectory(Path.Combine(Out, "cache")).FullName;

    public static string Launcher => Path.Combine(Root, "xensharp");

    /// <summary>The hypervisor: <c>XENSHARP_HYPERVISOR</c> if set (so that every test can also run on real Xen), else the build's own.</summary>
    public static string Hypervisor =>
        Environment.GetEnvironmentVariable("XENSHARP_HYPERVISOR") is { Length: > 0 } path ? Path.GetFullPath(path) : BuiltHypervisor;

    public static string BuiltHypervisor => Path.Combine(Out, "xensharp-x86_64");

    public static string Symbols => BuiltHypervisor + ".syms";

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "xensharp")) && Directory.Exists(Path.Combine(folder.FullName, "lab")))
                return folder.FullName;
        }
        throw new LabException($"The lab runs from {AppContext.BaseDirectory}, which is in no XenSharp repository; start it as ./xensharp from a clone.");
    }
}
