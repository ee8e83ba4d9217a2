// SPDX-License-Identifier: MIT
// Runs host programs (apt, dpkg, dotnet, xz, ...) for the rest of the lab and turns their failure into a sentence.

using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Threading.Tasks;

namespace XenSharp.Lab.Common;

/// <summary>What a finished program left: its exit status and everything that it printed.</summary>
public sealed record ProgramResult(int Status, string Output, string Errors)
{
    public bool Succeeded => Status == 0;
}

public static class HostProgram
{
    /// <summary>The full path of a program as a shell would find it, the sbin folders included; null when there is none.</summary>
    public static string? Find(string program)
    {
        string path = (Environment.GetEnvironmentVariable("PATH") ?? "") + ":/usr/local/sbin:/usr/sbin:/sbin";
        foreach (string folder in path.Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            string candidate = Path.Combine(folder, program);
            if (File.Exists(candidate))
                return candidate;
        }
        return null;
    }

    /// <summary>Runs a program to its end with its output captured.</summary>
    public static ProgramResult Capture(string program, IReadOnlyList<string> arguments, string? folder = null, byte[]? input = null)
    {
        (int status, byte[] output, string errors) = CaptureBytes(program, arguments, folder, input);
        return new ProgramResult(status, Encoding.UTF8.GetString(output), errors);
    }

    /// <summary>As <see cref="Capture"/>, for programs that print binary data.</summary>
    public static (int Status, byte[] Output, string Errors) CaptureBytes(string program, IReadOnlyList<string> arguments, string? folder = null, byte[]? input = null)
    {
        ProcessStartInfo start = Describe(program, arguments, folder);
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        using Process process = Start(start);
        Task feeding = Task.Run(() => Feed(process, input));
        Task<string> errors = process.StandardError.ReadToEndAsync();
        using MemoryStream output = new();
        process.StandardOutput.BaseStream.CopyTo(output);
        process.WaitForExit();
        feeding.Wait();
        return (process.ExitCode, output.ToArray(), errors.Result);
    }

    /// <summary>Runs a program on the user's own terminal; returns its exit status.</summary>
    public static int RunOnTerminal(string program, IReadOnlyList<string> arguments, string? folder = null)
    {
        using Process process = Start(Describe(program, arguments, folder));
        process.WaitForExit();
        return process.ExitCode;
    }

    /// <summary>Runs a program and gives each line of its output and errors, as it comes, to <paramref name="onLine"/>.</summary>
    public static int RunWithLines(string program, IReadOnlyList<string> arguments, Action<string> onLine, string? folder = null)
    {
        ProcessStartInfo start = Describe(program, arguments, folder);
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        using Process process = Start(start);
        object gate = new();
        DataReceivedEventHandler handler = (_, line) =>
        {
            lock (gate)
            {
                if (line.Data is not null)
                    onLine(line.Data);
            }
        };
        process.OutputDataReceived += handler;
        process.ErrorDataReceived += handler;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        process.WaitForExit();
        return process.ExitCode;
    }

    internal static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start) ?? throw new LabException($"{start.FileName} did not start.");
        }
        catch (Win32Exception error)
        {
            throw new LabException($"{start.FileName} cannot be started: {error.Message}.");
        }
    }

    private static ProcessStartInfo Describe(string program, IReadOnlyList<string> arguments, string? folder)
    {
        ProcessStartInfo start = new(Find(program) ?? program, arguments) { UseShellExecute = false, WorkingDirectory = folder ?? "" };
        start.Environment["LC_ALL"] = "C.UTF-8";
        return start;
    }

    private static void Feed(Process process, byte[]? input)
    {
        try
        {
            using Stream stream = process.StandardInput.BaseStream;
            if (input is not null)
                stream.Write(input);
        }
        catch (IOException)
        {
            // The program ended without reading all of it; its exit status tells why.
        }
    }
}
