// SPDX-License-Identifier: MIT
// The launcher behind ./xensharp: its commands, and how failures are told.

using System;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using XenSharp.Lab.Commands;
using XenSharp.Lab.Common;
using XenSharp.Lab.Machine;
using XenSharp.Lab.Terminal;

namespace XenSharp.Lab;

internal static class Program
{
    private const int StatusOfInterrupt = 130;

    private static int Main(string[] arguments)
    {
        // An interrupt leaves the normal way, so that temporary files go.
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => Environment.Exit(StatusOfInterrupt));
        RootCommand root = new("XenSharp: a hypervisor with the interface of Xen, written in C#.")
        {
            RunCommand.Create(), BuildCommands.CreateBuild(), BuildCommands.CreateIso(), TestCommand.Create(), BenchCommand.Create(), SymbolizeCommand.Create(),
        };
        ParseResult parsed = root.Parse(WithoutHelpCommand(arguments), new ParserConfiguration { EnablePosixBundling = false });
        if (parsed.Errors.Count > 0 && parsed.Action is not System.CommandLine.Help.HelpAction)
            return Refuse(parsed);
        try
        {
            return parsed.Invoke(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
                Output = HostConsole.Out,
                Error = HostConsole.Error,
            });
        }
        catch (LabException failure)
        {
            Progress.Notice(failure.Message);
            return failure.Status;
        }
        catch (MachineException failure)
        {
            Progress.Notice(failure.Message);
            return ExitStatus.MachineFailed;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Progress.Notice($"{failure.Message} Check the path and its permissions, then try again.");
            return ExitStatus.Failed;
        }
    }

    /// <summary>`help` and `help run` are spelled `--help` and `run --help` inside; no command at all means help too.</summary>
    private static string[] WithoutHelpCommand(string[] arguments) => arguments switch
    {
        [] => ["--help"],
        ["help", .. string[] rest] => [.. rest, "--help"],
        _ => arguments,
    };

    private static int Refuse(ParseResult parsed)
    {
        ParseError error = parsed.Errors[0];
        string command = parsed.CommandResult.Command is RootCommand ? "" : parsed.CommandResult.Command.Name + " ";
        string sentence = parsed.UnmatchedTokens.Count > 0 ? $"\"{parsed.UnmatchedTokens[0]}\" is {(command.Length > 0 ? $"nothing that `{command.Trim()}` knows" : "no command")}." : error.Message;
        Progress.Notice($"{sentence} Try ./xensharp {command}--help.");
        return ExitStatus.Usage;
    }
}
