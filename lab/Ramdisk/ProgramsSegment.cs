// SPDX-License-Identifier: MIT
// Our tools as a part of dom0's ramdisk, under the names that Xen has for them, in a folder of their own. Used by the run command and by end-to-end tests.

using System;
using System.Collections.Generic;
using System.IO;
using XenSharp.Lab.Build;
using XenSharp.Lab.Common;

namespace XenSharp.Lab.Ramdisk;

public static class ProgramsSegment
{
    /// <summary>Where the tools are in dom0.</summary>
    public const string Folder = "/usr/lib/xensharp/bin";

    private const string Program = "xensharp-tools";

    /// <param name="isFirst">Whether they come before Debian's when a tool is called by its name alone; else behind them.</param>
    public static byte[] Archive(bool isFirst)
    {
        string program = ProjectBuild.Tools();
        CpioWriter archive = new();
        archive.AddFile($"{Folder[1..]}/{Program}", File.ReadAllBytes(program), isProgram: true);
        List<string> names = [];
        if (HostProgram.RunWithLines(program, ["--names"], names.Add, Repository.Root) != 0)
            throw new LabException($"{program} does not start: {string.Join(' ', names)}");
        foreach (string name in names)
            archive.AddLink($"{Folder[1..]}/{name}", Program);
        archive.AddFile("usr/share/bash-completion/completions/xl", Printed(program, "--completion"));
        archive.AddFile("usr/share/man/man1/xl.1", Printed(program, "--manual"));
        archive.AddFile("etc/xensharp-path", $"export PATH={(isFirst ? $"{Folder}:$PATH" : $"$PATH:{Folder}")}\n");
        return archive.Finish();
    }

    /// <summary>What `xl help` prints about all commands.</summary>
    private static string Printed(string program, string form)
    {
        List<string> lines = [];
        if (HostProgram.RunWithLines(program, ["xl", "help", form], lines.Add, Repository.Root) != 0)
            throw new LabException($"{program} xl help {form} failed: {string.Join(' ', lines)}");
        return string.Join('\n', lines) + "\n";
    }
}
