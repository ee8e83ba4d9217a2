// SPDX-License-Identifier: MIT
// xenhypfs: the hypervisor's file system. Options, form and exit statuses of Xen 4.17's tools/misc/xenhypfs.c. Called by InspectionTools.

using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;
using XenSharp.Abi;
using XenSharp.Control;

namespace XenSharp.Inspection;

internal static class HypFsTool
{
    private const int UsageStatus = 1, FailedStatus = 3;

    private const string Usage = """
        usage: xenhypfs ls <path>
               xenhypfs cat [-b] <path>
               xenhypfs write <path> <val>
               xenhypfs tree
        """;

    public static int Run(string[] arguments, TextWriter output, TextWriter errors)
    {
        if (arguments is not (["ls", _] or ["cat", _] or ["cat", "-b", _] or ["write", _, _] or ["tree"]))
        {
            errors.WriteLine(Usage);
            return UsageStatus;
        }
        using Hypervisor hypervisor = Hypervisor.Open();
        string failed = arguments[0] switch { "ls" => "could not read dir", "cat" => "could not read", "write" => "could not write", _ => "could not read" };
        try
        {
            switch (arguments)
            {
                case ["ls", string path]:
                    foreach (HypFsNode node in hypervisor.ListNodes(path))
                        output.WriteLine($"{TypeOf(node)} r{(node.MostWritten > 0 ? 'w' : '-')} {node.Name}");
                    break;
                case ["cat", .. string[] options, string path]:
                    output.WriteLine(options.Length > 0 ? Escape(hypervisor.ReadNode(path).Contents) : TextOf(hypervisor, path));
                    break;
                case ["write", string path, string value]:
                    hypervisor.WriteNode(path, value);
                    break;
                default:
                    output.WriteLine("/");
                    PrintTree(hypervisor, "/", 1, output);
                    break;
            }
            return 0;
        }
        catch (HypercallException failure)
        {
            output.Flush();
            errors.WriteLine($"{failed}: {Marshal.GetPInvokeErrorMessage((int)failure.Error)}");
            return FailedStatus;
        }
    }

    internal static string TypeOf(HypFsNode node) => node.Type switch
    {
        HypFsType.Direction => "<dir>   ",
        HypFsType.Blob => "<blob>  ",
        HypFsType.String => "<string>",
        HypFsType.Uint => "<uint>  ",
        HypFsType.Int => "<int>   ",
        HypFsType.Bool => "<bool>  ",
        _ => "<???>   ",
    };

    /// <summary>Up to a nul; bytes that are neither visible nor white space by their number.</summary>
    internal static string Escape(byte[] contents)
    {
        StringBuilder text = new();
        foreach (byte value in contents)
        {
            if (value == 0)
                break;
            text.Append(value is > 0x20 and < 0x7F or 0x20 or (>= 9 and <= 13) ? ((char)value).ToString() : $"\\x{value:x2}");
        }
        return text.ToString();
    }

    private static string TextOf(Hypervisor hypervisor, string path) =>
        hypervisor.ReadNodeText(path) ?? throw new HypercallException($"reading {path}", null, hypervisor.ReadNode(path).Node.Type == HypFsType.Direction ? Errno.IsDir : Errno.Domain);

    private static void PrintTree(Hypervisor hypervisor, string path, int depth, TextWriter output)
    {
        IReadOnlyList<HypFsNode> nodes = hypervisor.ListNodes(path);
        foreach (HypFsNode node in nodes)
        {
            bool isFolder = node.Type == HypFsType.Direction;
            output.WriteLine($"{new string(' ', depth * 2)}{node.Name}{(isFolder ? "/" : "")}");
            if (isFolder)
                PrintTree(hypervisor, $"{path}{(depth == 1 ? "" : "/")}{node.Name}", depth + 1, output);
        }
    }
}
