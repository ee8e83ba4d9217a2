// SPDX-License-Identifier: MIT
// The packages of dom0's libraries: whole, documented, and good for programs of others, which their READMEs' examples stand for. Of level long.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using Xunit;

namespace XenSharp.Tests.Tools.Packages;

[Trait("Level", "long")]
public sealed class PackageTests : IDisposable
{
    private static readonly (string Folder, string Package, string Assembly, string Member, string[] Needs)[] s_packages =
    [
        ("Abi", "XenSharp.Abi.Managed", "XenSharp.Abi", "T:XenSharp.Abi.DomctlGetDomainInfo", []),
        ("Interop", "XenSharp.Interop", "XenSharp.Interop", "T:XenSharp.Interop.HypercallGate", ["XenSharp.Abi.Managed"]),
        ("Control", "XenSharp.Control", "XenSharp.Control", "M:XenSharp.Control.Hypervisor.PauseDomain(System.UInt16)", ["XenSharp.Abi.Managed", "XenSharp.Interop"]),
        ("Configuration", "XenSharp.Configuration", "XenSharp.Configuration", "M:XenSharp.Configuration.DomainConfiguration.Parse", []),
        ("XenstoreClient", "XenSharp.XenstoreClient", "XenSharp.XenstoreClient", "M:XenSharp.XenstoreClient.XenstoreConnection.WatchAsync", []),
        ("Toolstack", "XenSharp.Toolstack", "XenSharp.Toolstack", "M:XenSharp.Toolstack.DomainToolstack.CreateAsync",
            ["XenSharp.Abi.Managed", "XenSharp.Control", "XenSharp.Configuration", "XenSharp.Interop", "XenSharp.XenstoreClient", "SharpCompress", "ZstdSharp.Port", "K4os.Compression.LZ4"]),
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("packages").FullName;

    [Fact]
    public async Task PackagesAreWholeAndTheirExamplesCompile()
    {
        foreach ((string folder, string package, string assembly, string member, string[] needs) in s_packages)
        {
            string project = Directory.GetFiles(Path.Combine(Root(), "dom0", folder), "*.csproj").Single();
            await DotnetAsync(_folder, "pack", project, "-c", "Release", "-o", _folder, "--nologo", "-v", "q", "-m:1");
            using ZipArchive archive = ZipFile.OpenRead(Path.Combine(_folder, $"{package}.0.1.0.nupkg"));
            string specification = Read(archive, $"{package}.nuspec");
            Assert.Contains("<license type=\"expression\">MIT</license>", specification);
            Assert.Contains("<readme>README.md</readme>", specification);
            Assert.DoesNotContain("<description>Package Description</description>", specification);
            Assert.Equal(needs.Order(), Regex.Matches(specification, "<dependency id=\"([^\"]*)\"").Select(match => match.Groups[1].Value).Order());
            Assert.StartsWith($"# {package}", Read(archive, "README.md"));
            Assert.NotNull(archive.GetEntry("LICENSE"));
            Assert.NotNull(archive.GetEntry($"lib/net10.0/{assembly}.dll"));
            Assert.Contains($"<member name=\"{member}", Read(archive, $"lib/net10.0/{assembly}.xml"));
            Assert.True(File.Exists(Path.Combine(_folder, $"{package}.0.1.0.snupkg")));
        }
        string program = Directory.CreateDirectory(Path.Combine(_folder, "program")).FullName;
        File.WriteAllText(Path.Combine(program, "nuget.config"), $"""
            <configuration>
              <config><add key="globalPackagesFolder" value="{program}/restored" /></config>
              <fallbackPackageFolders><add key="user" value="{Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Environment.GetEnvironmentVariable("HOME") + "/.nuget/packages"}" /></fallbackPackageFolders>
              <packageSources><add key="here" value="{_folder}" /></packageSources>
            </configuration>
            """);
        File.WriteAllText(Path.Combine(program, "Program.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework><Nullable>enable</Nullable><TreatWarningsAsErrors>true</TreatWarningsAsErrors></PropertyGroup>
              <ItemGroup>{string.Concat(s_packages.Select(package => $"<PackageReference Include=\"{package.Package}\" Version=\"0.1.0\" />"))}</ItemGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(program, "Program.cs"), Program());
        await DotnetAsync(program, "build", "-c", "Release", "--nologo", "-v", "q", "-m:1");
    }

    /// <summary>Each example as a method of a program of its own.</summary>
    private static string Program()
    {
        List<string> methods = [];
        foreach ((string folder, _, _, _, _) in s_packages)
        {
            string example = Regex.Match(File.ReadAllText(Path.Combine(Root(), "dom0", folder, "README.md")), "```csharp\n(.*?)```", RegexOptions.Singleline).Groups[1].Value;
            if (example.Length == 0)
                continue;
            string end = example.Contains("return 0;") ? "" : "    await Task.CompletedTask;\n    return 0;\n";
            methods.Add($"static async Task<int> {folder}(CancellationToken stop)\n{{\n{example}{end}}}\n");
        }
        Assert.True(methods.Count >= 5);
        return $$"""
            using System; using System.Collections.Generic; using System.Threading; using System.Threading.Tasks;
            using XenSharp.Abi; using XenSharp.Interop; using XenSharp.Control; using XenSharp.Configuration; using XenSharp.XenstoreClient; using XenSharp.Toolstack;
            static class Program
            {
            static void Main() { }
            {{string.Join("\n", methods).Replace("static async", "public static async")}}
            }
            """;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static async Task DotnetAsync(string folder, params string[] words)
    {
        using Process process = Process.Start(new ProcessStartInfo("dotnet", words) { WorkingDirectory = folder, RedirectStandardOutput = true })!;
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"dotnet {string.Join(' ', words)}\n{output}");
    }

    private static string Read(ZipArchive archive, string name)
    {
        using StreamReader reader = new(archive.GetEntry(name)?.Open() ?? throw new FileNotFoundException(name));
        return reader.ReadToEnd();
    }

    private static string Root()
    {
        string root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "XenSharp.slnx")))
            root = Path.GetDirectoryName(root)!;
        return root;
    }
}
