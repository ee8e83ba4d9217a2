// SPDX-License-Identifier: MIT
// Configurations out of a file and of settings on the command line. Used by the commands that take both.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using XenSharp.Configuration;
using XenSharp.Xl.Frame;

namespace XenSharp.Xl.Commands;

internal static class Sources
{
    /// <summary>Reads a configuration from the file's content and name; what was remarked comes with it.</summary>
    public delegate (T? Configuration, IReadOnlyList<Diagnostic> Remarks) Reader<T>(ReadOnlySpan<byte> content, string? name);

    /// <summary>The file that is named, by --defconfig or as a word, and the words that are settings; null if more than one file is.</summary>
    public static (string? Path, string[] Overrides)? Split(Invocation call, IReadOnlyList<string> words)
    {
        string[] overrides = [.. words.Where(word => word.Contains('='))], files = [.. words.Where(word => !word.Contains('='))];
        string? named = call.Options.Value("defconfig");
        return (named is null ? 0 : 1) + files.Length > 1 ? null : (named ?? files.FirstOrDefault(), overrides);
    }

    /// <summary>The configuration; all that is wrong with it is printed at once.</summary>
    /// <param name="path">Null if the command line says it all.</param>
    /// <param name="status">The exit code if it cannot be had.</param>
    public static T Read<T>(Invocation call, string? path, Reader<T> read, int status)
        where T : class
    {
        (T? configuration, IReadOnlyList<Diagnostic> remarks) = read(path is null ? [] : ReadFile(path, status), path);
        foreach (Diagnostic remark in remarks)
            call.Error.Write($"{remark}\n");
        return configuration ?? throw new XlException("Failed to parse config file: Invalid argument", status);
    }

    /// <summary>A file's content; the sentence of Xen's if there is none.</summary>
    public static byte[] ReadFile(string path, int status)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            string reason = failure switch
            {
                FileNotFoundException or DirectoryNotFoundException => "No such file or directory",
                UnauthorizedAccessException when Directory.Exists(path) => "Is a directory",
                UnauthorizedAccessException => "Permission denied",
                _ => failure.Message,
            };
            throw new XlException($"Failed to read config file: {path}: {reason}", status);
        }
    }
}
