// SPDX-License-Identifier: MIT
// Runs a guest's bootloader (pygrub, or a program of the user's), which takes the kernel out of the guest's disk. libxl_bootloader.c of Xen 4.17. Used by DomainCreation.

using System;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using XenSharp.Configuration;
using XenSharp.Interop;
using XenSharp.Toolstack.Store;
using XenSharp.XenstoreClient;

namespace XenSharp.Toolstack;

/// <summary>What a bootloader chose; its files are gone.</summary>
/// <param name="Kernel">The kernel's file.</param>
internal sealed record BootChoice(ReadOnlyMemory<byte> Kernel, ReadOnlyMemory<byte>? Ramdisk, string? CommandLine);

/// <summary>
/// The program has a terminal of its own, whose other side is what `xl console` finds until the guest's console takes its place; what it shows is kept in a log. It writes its choice to a
/// file, as words and values with a nul behind each.
/// </summary>
internal sealed class Bootloader(XenstoreConnection store, ushort domain, DomainConfiguration configuration)
{
    private const string PrivateFolder = "/usr/lib/xen/bin";
    private const int BufferSize = 4096, MostOutput = 64 << 10;

    private readonly string _output = $"{UserData.Folder}/bootloader.{domain}.out", _folder = $"{UserData.Folder}/bootloader.{domain}.d", _log = $"{LogFolder}/bootloader.{domain}.log";

    /// <summary>Tests have their own.</summary>
    internal static string LogFolder { get; set; } = "/var/log/xen";

    /// <summary>Called when its terminal can be joined.</summary>
    public Action<ushort>? ConsoleReady { get; init; }

    /// <exception cref="ToolstackException">It is not there, failed, or chose nothing that can be read.</exception>
    public async Task<BootChoice> RunAsync()
    {
        string program = Find(configuration.BuildInfo.Bootloader!);
        string disk = DiskPath();
        try
        {
            Directory.CreateDirectory(LogFolder);
            Directory.CreateDirectory(_folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            File.WriteAllBytes(_output, []);
            await RunAsync(program, disk).ConfigureAwait(false);
            return ReadChoice(program);
        }
        finally
        {
            File.Delete(_output);
            if (Directory.Exists(_folder))
                Directory.Delete(_folder, recursive: true);
        }
    }

    private static string Find(string name)
    {
        string program = name.StartsWith('/') || !File.Exists(Path.Combine(PrivateFolder, name)) ? name : Path.Combine(PrivateFolder, name);
        if (program.StartsWith('/') && !File.Exists(program))
            throw new ToolstackException($"the bootloader {program} is not there");
        return program;
    }

    private string DiskPath()
    {
        if (configuration.Disks is not [DeviceDisk disk, ..])
            throw new ToolstackException("a bootloader needs a disk to take the kernel from, and the configuration has none");
        string path = disk.PdevPath is { } target && !target.StartsWith('/') ? "/dev/" + target : disk.PdevPath ?? "";
        // What a script makes of a disk is not there before the guest's devices are.
        if (disk.Format != DiskFormat.Raw || disk.BackendDomid != 0 || (disk.Script is not null && !File.Exists(path)))
            throw new ToolstackException($"the bootloader can read raw disks of this domain only; {disk.Vdev} is none (take the kernel out of it, and name it with kernel=)");
        return path;
    }

    private async Task RunAsync(string program, string disk)
    {
        DomainBuildInfo build = configuration.BuildInfo;
        using PseudoTerminal inner = PseudoTerminal.Open(), outer = PseudoTerminal.Open();
        string terminal = $"{StorePaths.Domain(domain)}/console/tty";
        await store.Store.WriteAsync(terminal, outer.Name).ConfigureAwait(false);
        ConsoleReady?.Invoke(domain);
        // A shell that gives itself up for the program, which so has the terminal as its input and output.
        ProcessStartInfo start = new("/bin/sh", ["-c", "exec \"$@\" < \"$BOOT_TTY\" > \"$BOOT_TTY\" 2>&1", "sh", program]) { UseShellExecute = false };
        start.Environment["BOOT_TTY"] = inner.Name;
        start.Environment["TERM"] = "vt100";
        if (build.Kernel is not null)
            start.ArgumentList.Add($"--kernel={build.Kernel}");
        if (build.Ramdisk is not null)
            start.ArgumentList.Add($"--ramdisk={build.Ramdisk}");
        if (!string.IsNullOrEmpty(build.Cmdline))
            start.ArgumentList.Add($"--args={build.Cmdline}");
        foreach (string word in (string[])[$"--output={_output}", "--output-format=simple0", $"--output-directory={_folder}", .. build.BootloaderArgs, disk])
            start.ArgumentList.Add(word);
        using Process process = Start(start, program);
        using CancellationTokenSource end = new();
        using FileStream log = new(_log, FileMode.Create, FileAccess.Write, FileShare.Read);
        Task copying = Task.Run(() => Copy(inner, outer, log, end.Token));
        try
        {
            await WaitAsync(process).ConfigureAwait(false);
        }
        finally
        {
            await end.CancelAsync().ConfigureAwait(false);
            await copying.ConfigureAwait(false);
        }
        if (process.ExitCode != 0)
            throw new ToolstackException($"the bootloader {program} has failed with status {process.ExitCode}; what it said is in {_log}: {LastLine(log.Name)}");
    }

    /// <summary>As long as it takes: it may be waiting for somebody's choice. It ends with the domain.</summary>
    private async Task WaitAsync(Process process)
    {
        using CancellationTokenSource end = new();
        Task exit = process.WaitForExitAsync(CancellationToken.None), death = WaitForDeathAsync(end.Token);
        Task first = await Task.WhenAny(exit, death).ConfigureAwait(false);
        await end.CancelAsync().ConfigureAwait(false);
        if (first == exit)
            return;
        process.Kill(entireProcessTree: true);
        await death.ConfigureAwait(false);
        throw new ToolstackException("the domain was destroyed while its bootloader ran");
    }

    private async Task WaitForDeathAsync(CancellationToken cancellation)
    {
        try
        {
            await foreach (XenstoreEvent _ in store.WatchAsync(StorePaths.Toolstack(domain), cancellation: cancellation).ConfigureAwait(false))
            {
                if (!await store.Store.ExistsAsync(StorePaths.Toolstack(domain)).ConfigureAwait(false))
                    return;
            }
        }
        catch (OperationCanceledException)
        {
            // The program has ended first.
        }
    }

    /// <summary>What is typed goes in, what is shown goes out and into the log, also after the program's end.</summary>
    private static void Copy(PseudoTerminal inner, PseudoTerminal outer, FileStream log, CancellationToken cancellation)
    {
        byte[] buffer = new byte[BufferSize];
        while (true)
        {
            bool isOver = cancellation.IsCancellationRequested;
            bool moved = false;
            if (inner.Read(buffer, out int shown) == TransferState.Done && shown > 0)
            {
                log.Write(buffer, 0, shown);
                log.Flush();
                outer.Write(buffer.AsSpan(0, shown), out _);
                moved = true;
            }
            if (outer.Read(buffer, out int typed) == TransferState.Done && typed > 0)
            {
                inner.Write(buffer.AsSpan(0, typed), out _);
                moved = true;
            }
            if (!moved && isOver)
                return;
            if (!moved)
                cancellation.WaitHandle.WaitOne(20);
        }
    }

    private BootChoice ReadChoice(string program)
    {
        ReadOnlyMemory<byte>? kernel = null, ramdisk = null;
        string? commandLine = null;
        byte[] output = File.ReadAllBytes(_output);
        foreach (string item in Encoding.UTF8.GetString(output.AsSpan(0, Math.Min(output.Length, MostOutput))).Split('\0'))
        {
            if (item.Split([' ', '\t', '\n'], 2) is not [string word, string value])
                continue;
            value = value.TrimStart();
            switch (word)
            {
                case "kernel":
                    kernel = Take(value, "the bootloader's kernel");
                    break;
                case "ramdisk":
                    ramdisk = Take(value, "the bootloader's ramdisk");
                    break;
                case "args":
                    commandLine = value;
                    break;
            }
        }
        return kernel is null ? throw new ToolstackException($"the bootloader {program} has chosen no kernel; what it said is in {_log}") : new BootChoice(kernel.Value, ramdisk, commandLine);
    }

    /// <summary>Reads a file that was made for this domain alone, and removes it.</summary>
    private static ReadOnlyMemory<byte> Take(string path, string what)
    {
        ReadOnlyMemory<byte> content = Kernel.KernelFile.ReadFile(path, what);
        File.Delete(path);
        return content;
    }

    private static string LastLine(string path)
    {
        using StreamReader reader = new(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        string[] lines = reader.ReadToEnd().Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries);
        return lines.Length > 0 ? lines[^1] : "nothing";
    }

    private static Process Start(ProcessStartInfo start, string program)
    {
        try
        {
            return Process.Start(start) ?? throw new ToolstackException($"the bootloader {program} was not started");
        }
        catch (Win32Exception failure)
        {
            throw new ToolstackException($"the bootloader {program} cannot be started: {failure.Message}", failure);
        }
    }
}
