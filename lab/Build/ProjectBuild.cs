// SPDX-License-Identifier: MIT
// Builds the hypervisor and the test kernels with `dotnet build`, when their sources changed. Used by the build, run, iso, test and bench commands.

using System.Collections.Generic;
using System.IO;
using System.Linq;
using XenSharp.Lab.Common;
using XenSharp.Lab.Packages;

namespace XenSharp.Lab.Build;

public static class ProjectBuild
{
    private const string HypervisorProject = "hypervisor/X64/X64.csproj";
    private static readonly string[] s_hypervisorSources = ["abi", "hypervisor", "eng"];
    private static readonly string[] s_storeSources = ["abi", "dom0/Abi", "dom0/CommandLine", "dom0/Control", "dom0/Xenstored", "dom0/Xenstore", "dom0/Interop"];
    private static readonly string[] s_backendSources = ["abi", "dom0/Abi", "dom0/BlockBackend", "dom0/Interop", "dom0/XenstoreClient"];

    /// <summary>Leaves the hypervisor at out/xensharp-x86_64 and returns that path; or the file named by XENSHARP_HYPERVISOR, unbuilt.</summary>
    public static string Hypervisor()
    {
        if (Repository.Hypervisor != Repository.BuiltHypervisor)
            return Existing(Repository.Hypervisor, "XENSHARP_HYPERVISOR");
        Build("hypervisor", HypervisorProject, s_hypervisorSources, [Repository.BuiltHypervisor]);
        return Repository.BuiltHypervisor;
    }

    /// <summary>Builds each kernel of our own under guests/.</summary>
    public static void Guests()
    {
        string folder = Path.Combine(Repository.Root, "guests");
        if (!Directory.Exists(folder))
            return;
        foreach (string project in Directory.GetDirectories(folder).Order().SelectMany(guest => Directory.GetFiles(guest, "*.csproj")).Where(IsKernel))
            Build($"guest-{Path.GetFileNameWithoutExtension(project)}", project, ["guests", .. s_hypervisorSources], []);
    }

    /// <summary>The runtime that kernels share is a project there too, but no kernel.</summary>
    private static bool IsKernel(string project) =>
        File.ReadAllText(project).Contains("Guest.targets", System.StringComparison.Ordinal) && Directory.EnumerateFiles(Path.GetDirectoryName(project)!, "*.cs").Any();

    /// <summary>The block backend for dom0.</summary>
    public static string BlockBackend() => Program("xensharp-blkback", "dom0/BlockBackend/BlockBackend.csproj", s_backendSources);

    /// <summary>The xenstore daemon for dom0.</summary>
    public static string Xenstored() => Program("xensharp-xenstored", "dom0/Xenstored/Xenstored.csproj", s_storeSources);

    /// <summary>dom0's tools in one program; the names of the tools are what its --names prints.</summary>
    public static string Tools() => Program("xensharp-tools", "dom0/Tools/Tools.csproj", ["abi", "dom0"]);

    // A program for dom0, which needs no .NET there; its path.
    private static string Program(string name, string project, string[] sources)
    {
        string folder = Path.Combine(Repository.Out, "programs");
        string program = Path.Combine(folder, name);
        HostTools.Require(HostTool.ForPrograms);
        Build(name, project, sources, [program], ["publish", "-r", "linux-x64", "-o", folder]);
        return program;
    }

    /// <summary>A file that the user named; a sentence when it is not there.</summary>
    public static string Existing(string path, string namedBy) =>
        File.Exists(path) ? Path.GetFullPath(path) : throw new LabException($"{namedBy} names {path}, which is not a file.", ExitStatus.Usage);

    private static void Build(string name, string project, string[] sources, string[] results, string[]? verb = null)
    {
        string path = Path.Combine(Repository.Root, project);
        if (!File.Exists(path))
            throw new LabException($"There is no {project} in this clone; name a hypervisor with --hypervisor FILE.");
        string stamp = SourceStamp.Of(sources);
        if (SourceStamp.Matches(name, stamp) && results.All(File.Exists))
            return;
        HostTools.Require(HostTool.ForBuild);
        Progress.Step($"building {Path.GetRelativePath(Repository.Root, path)}");
        List<string> lines = [];
        int status = HostProgram.RunWithLines("dotnet", [.. verb ?? ["build"], path, "-c", "Release", "-v", "q", "--nologo", "-m:1", "-nodeReuse:false"], lines.Add, Repository.Root);
        if (status != 0)
            throw new LabException($"{string.Join('\n', lines.Distinct())}\nThe build of {Path.GetRelativePath(Repository.Root, path)} failed; the compiler's messages are above.");
        if (results.FirstOrDefault(result => !File.Exists(result)) is { } absent)
            throw new LabException($"The build of {Path.GetRelativePath(Repository.Root, path)} succeeded but left no {Path.GetRelativePath(Repository.Root, absent)}.");
        SourceStamp.Keep(name, stamp);
    }
}
