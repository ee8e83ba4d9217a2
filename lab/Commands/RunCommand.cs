// SPDX-License-Identifier: MIT
// `./xensharp run`: boots the hypervisor with Debian's Linux as dom0 in QEMU, with the terminal as its console or for one command.

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Linq;
using System.Text;
using XenSharp.Lab.Build;
using XenSharp.Lab.Common;
using XenSharp.Lab.Exec;
using XenSharp.Lab.Guests;
using XenSharp.Lab.Machine;
using XenSharp.Lab.Packages;
using XenSharp.Lab.Ramdisk;
using XenSharp.Lab.Terminal;

namespace XenSharp.Lab.Commands;

internal sealed class RunCommand
{
    private const int DefaultGdbPort = 1234;

    /// <summary>Beside the copies of its ramdisk.</summary>
    private const int Dom0BaseMiB = 320;
    private const int HypervisorMiB = 192;
    private const int LargestRamdiskMiB = 1024;

    private readonly MachineOptions _machine = new();
    private readonly GuestOptions _guest = new();
    private readonly Option<int> _cpus = Checks.Number("--cpus", "processors of the machine", "N", 1, 1, 64);
    private readonly Option<int> _memory = Checks.Number("--memory", "memory of the machine in MiB", "MIB", 2048, 256, 1 << 20);
    private readonly Option<string[]> _disks = new("--disk") { Description = "a raw image as dom0's /dev/vda (again for vdb, ...)", HelpName = "FILE" };
    private readonly Option<string?> _exec = new("--exec") { Description = "run COMMAND in dom0, print only its output, exit with its status", HelpName = "COMMAND" };
    private readonly Option<bool> _iso = new("--iso") { Description = "boot through GRUB from a CD image" };
    private readonly Option<bool> _multiboot1 = new("--multiboot1") { Description = "with --iso: GRUB's first multiboot protocol instead of the second" };
    private readonly Option<int?> _timeout = Checks.OptionalNumber("--timeout", "end the machine after this many seconds", "SECONDS", 1, 1 << 20);
    private readonly Option<string?> _log = new("--log") { Description = "keep everything the console prints in FILE (default: a file in out/log, with --exec only on failure)", HelpName = "FILE" };
    private readonly Option<int?> _gdb = Checks.OptionalNumber(
        "--gdb", $"wait for a debugger on this TCP port (default {DefaultGdbPort}) before the first instruction", "PORT", 1, 65535, DefaultGdbPort);

    public static Command Create()
    {
        RunCommand run = new();
        Command command = new("run", "Boot the hypervisor with Debian's Linux as its dom0 and a sample guest in QEMU, with this terminal as the console.");
        foreach (Option option in (Option[])[run._cpus, run._memory, run._exec, run._disks, run._timeout, run._log, run._gdb, run._iso, run._multiboot1])
            command.Add(option);
        run._guest.AddTo(command);
        run._machine.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetResult(run._multiboot1) is { Implicit: false } && result.GetResult(run._iso) is null or { Implicit: true })
                result.AddError("--multiboot1 is of use only together with --iso.");
            if (result.GetResult(run._exec) is { Implicit: false } && result.GetValue(run._machine.Ramdisk) == "none")
                result.AddError("--exec needs a ramdisk, but --ramdisk is none.");
            if (result.GetValue(run._machine.Ramdisk) is not null && run._guest.IsAsked(result))
                result.AddError("Debian's Xen tools and guests go into dom0's own ramdisk; leave --ramdisk away.");
        });
        command.SetAction(run.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string? command = parsed.GetValue(_exec);
        Progress.Quiet = command is not null && Console.IsErrorRedirected;
        HostTools.Require(HostTool.ForMachine);
        string[] disks = (parsed.GetValue(_disks) ?? []).Select(disk => ProjectBuild.Existing(disk, "--disk")).ToArray();
        _machine.CheckFiles(parsed);
        bool isPlain = command is null && parsed.GetValue(_machine.Kernel) is null && parsed.GetValue(_machine.Ramdisk) is null;
        GuestSegment? guest = _guest.Obtain(parsed, isUsual: isPlain, out int guestMiB);
        (int memory, int dom0Memory) = Memory(parsed, guest, guestMiB);
        string hypervisor = _machine.HypervisorPath(parsed);
        string token = SessionSegment.NewToken();
        using TemporaryFolder folder = new();
        List<byte[]> segments = [];
        bool hasTools = guest is not null || _guest.WantsTools(parsed);
        if (_guest.WantsTools(parsed) || guest is { UsesBackend: true })
            segments.Add(BackendSegment.Archive());
        if (hasTools)
            segments.Add(ProgramsSegment.Archive(isFirst: parsed.GetValue(_guest.Whose) == "xensharp"));
        if (hasTools && _guest.WantsOwnStore(parsed))
            segments.Add(StoreSegment.Archive());
        if (guest is not null)
            segments.Add(guest.Archive());
        segments.Add(Session(command, token));
        IReadOnlyList<BootModule> modules = _machine.Modules(parsed, disks.Length > 0, hasTools, segments, folder.Folder);
        MachineConfiguration configuration = new()
        {
            Cpus = parsed.GetValue(_cpus),
            MemoryMiB = memory,
            Disks = disks,
            GdbPort = parsed.GetValue(_gdb),
            EndOnReboot = command is not null,
            LogFile = LogFile(parsed, command is not null),
            Hypervisor = hypervisor,
            HypervisorArguments = _machine.HypervisorArguments(parsed, dom0Memory),
            Modules = modules,
        };
        if (parsed.GetValue(_iso))
            configuration = configuration with { Iso = MakeIso(parsed, configuration, folder) };
        TimeSpan? timeout = parsed.GetValue(_timeout) is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
        return command is null ? RunOnTerminal(configuration, timeout) : RunForCommand(configuration, token, timeout, keepLog: parsed.GetValue(_log) is not null);
    }

    /// <summary>The machine's memory and dom0's: as said, or enough for the guest and for two copies of its files, which Linux has while it unpacks them.</summary>
    private (int Machine, int Dom0) Memory(ParseResult parsed, GuestSegment? guest, int guestMiB)
    {
        int machine = parsed.GetValue(_memory);
        int dom0 = parsed.GetValue(_machine.Dom0Memory);
        if (guest is null)
            return (machine, dom0);
        int filesMiB = (int)(guest.Size >> 20);
        if (filesMiB > LargestRamdiskMiB)
        {
            throw new LabException(
                $"The guest's files are {filesMiB:N0} MiB, more than dom0's ramdisk can carry; give its disk to dom0 with --disk FILE and write phy:/dev/vda in the configuration.", ExitStatus.Usage);
        }
        bool Given(Option option) => parsed.GetResult(option) is { Implicit: false };
        int wanted = Dom0BaseMiB + (2 * filesMiB);
        if (wanted > dom0 && Given(_machine.Dom0Memory))
            throw new LabException($"dom0 needs about {wanted:N0} MiB for the guest's files; leave --dom0-memory away or raise it, or run dom0 alone with --no-guest.", ExitStatus.Usage);
        dom0 = Math.Max(dom0, wanted);
        wanted = dom0 + guestMiB + HypervisorMiB;
        if (wanted > machine && Given(_memory))
            throw new LabException($"dom0 with {dom0:N0} MiB and the guest with {guestMiB:N0} MiB need a machine of {wanted:N0} MiB; leave --memory away or raise it, or run dom0 alone with --no-guest.", ExitStatus.Usage);
        return (Math.Max(machine, wanted), dom0);
    }

    private static byte[] Session(string? command, string token)
    {
        if (command is not null)
            return SessionSegment.ForCommand(command, token);
        (int columns, int rows) = HostConsole.Size();
        return SessionSegment.ForTerminal(Environment.GetEnvironmentVariable("TERM"), columns, rows);
    }

    private string LogFile(ParseResult parsed, bool isExec)
    {
        string usual = isExec ? $"log/exec-{DateTime.Now:yyyyMMdd-HHmmss}-{Environment.ProcessId}.log" : "log/console.log";
        string path = parsed.GetValue(_log) is { } named ? Path.GetFullPath(named) : Path.Combine(Repository.Out, usual);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using FileStream file = new(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
            return path;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new LabException($"The log file {path} cannot be written: {error.Message} Name another one with --log.", ExitStatus.Usage);
        }
    }

    private string MakeIso(ParseResult parsed, MachineConfiguration configuration, TemporaryFolder folder)
    {
        string path = folder.File("xensharp.iso");
        BootProtocol protocol = parsed.GetValue(_multiboot1) ? BootProtocol.Multiboot1 : BootProtocol.Multiboot2;
        GrubImage.Make(path, configuration.Hypervisor!, configuration.HypervisorArguments, configuration.Modules, protocol);
        return path;
    }

    private static int RunOnTerminal(MachineConfiguration configuration, TimeSpan? timeout)
    {
        Progress.Step($"starting the machine: {configuration.Cpus} CPU(s), {configuration.MemoryMiB} MiB; its console is also kept in {configuration.LogFile}");
        bool worked = TerminalSession.Run(configuration, timeout, machine =>
        {
            if (Symbolizer.ExplainPanic(machine.Transcript) is { } explained)
                Progress.Notice($"the panic in source lines:\n{explained}");
        });
        return worked ? 0 : ExitStatus.Failed;
    }

    private static int RunForCommand(MachineConfiguration configuration, string token, TimeSpan? timeout, bool keepLog)
    {
        using Stream output = Console.OpenStandardOutput();
        using Stream errors = Console.OpenStandardError();
        try
        {
            int status = new ExecSession(token, output, errors).Run(configuration, timeout);
            if (!keepLog)
                File.Delete(configuration.LogFile!);
            return status;
        }
        catch (MachineException failure)
        {
            HostConsole.Error.WriteLine(failure.Message);
            string log = configuration.LogFile!;
            if (Symbolizer.ExplainPanic(File.ReadAllText(log, Encoding.Latin1)) is { } explained)
                HostConsole.Error.WriteLine($"The panic in source lines:\n{explained}");
            HostConsole.Error.WriteLine($"xensharp: {failure.Sentence} The whole console is in {log}.");
            return ExitStatus.MachineFailed;
        }
    }
}
