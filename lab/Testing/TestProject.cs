// SPDX-License-Identifier: MIT
// The test projects under tests/ and what each says about itself in its project file. Used by the test command.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Xml.Linq;
using XenSharp.Lab.Common;
using XenSharp.Lab.Packages;

namespace XenSharp.Lab.Testing;

/// <summary>
/// A project below tests/ that refers to xunit. Its file may hold <c>&lt;TestLevel&gt;boot&lt;/TestLevel&gt;</c> (else it is of level unit) and
/// <c>&lt;HostPackages&gt;gcc=gcc;libxen-dev=/usr/include/xen/xen.h&lt;/HostPackages&gt;</c>, Debian packages with the program or file that proves each.
/// Single tests are moved to level long by <c>[Trait("Level", "long")]</c>.
/// </summary>
public sealed record TestProject(string Path, string Level, IReadOnlyList<HostTool> Packages)
{
    public string Name => System.IO.Path.GetFileNameWithoutExtension(Path);

    /// <summary>Whether tests of this project may run at a level: at long, any project may have some.</summary>
    public bool BelongsTo(string level) => level is "all" or "long" || Level == level;

    public static IEnumerable<TestProject> InRepository()
    {
        string folder = System.IO.Path.Combine(Repository.Root, "tests");
        if (!Directory.Exists(folder))
            return [];
        return Directory.GetDirectories(folder).SelectMany(child => Directory.GetFiles(child, "*.csproj")).Select(Read).OfType<TestProject>()
            .OrderBy(project => project.Level == "boot").ThenBy(project => project.Name, StringComparer.Ordinal);
    }

    private static TestProject? Read(string path)
    {
        XDocument project = XDocument.Load(path);
        if (!project.Descendants("PackageReference").Any(reference => reference.Attribute("Include")?.Value == "Microsoft.NET.Test.Sdk"))
            return null;
        string level = project.Descendants("TestLevel").FirstOrDefault()?.Value.Trim() ?? "unit";
        if (level is not ("unit" or "boot"))
            throw new LabException($"{path} has the TestLevel \"{level}\", which is neither unit nor boot.");
        string packages = project.Descendants("HostPackages").FirstOrDefault()?.Value ?? "";
        HostTool[] tools = packages.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(text => ReadPackage(text, path)).ToArray();
        return new TestProject(path, level, tools);
    }

    private static HostTool ReadPackage(string text, string path)
    {
        string[] parts = text.Split('=', 2);
        return parts.Length == 2
            ? new HostTool(parts[0], parts[1], $"is needed by {System.IO.Path.GetFileNameWithoutExtension(path)}")
            : throw new LabException($"{path} names the host package \"{text}\" without a program or file that proves it (package=program).");
    }
}
