// SPDX-License-Identifier: MIT
// The program xl: global options, the command, its options, its end. Called by the multi-call program and by tests.

using System;
using System.IO;
using System.Text;
using System.Threading.Tasks;
using XenSharp.CommandLine;

namespace XenSharp.Xl.Frame;

public static class XlProgram
{
    private const int WrongOptions = 2;

    /// <param name="name">What the program was called; xl.</param>
    public static async Task<int> RunAsync(string name, string[] arguments)
    {
        // Writers of our own, closed without await: those of Console, and asynchronous writes, would start threads, which are a good part of a short command's time.
        UTF8Encoding encoding = new(encoderShouldEmitUTF8Identifier: false);
        using StreamWriter output = new(Console.OpenStandardOutput(), encoding, bufferSize: 4096);
        using StreamWriter error = new(Console.OpenStandardError(), encoding) { AutoFlush = true };
        TextWriter errors = TextWriter.Synchronized(error);
        await using Host host = new() { Warnings = errors };
        return await RunAsync(name, arguments, host, output, errors).ConfigureAwait(false);
    }

    public static async Task<int> RunAsync(string name, string[] arguments, Host host, TextWriter output, TextWriter error)
    {
        GlobalOptions global = GlobalOptions.Read(arguments, out int count, out char wrong);
        if (wrong != 0)
        {
            error.Write($"{name}: invalid option -- '{wrong}'\nunknown global option\n");
            return 1;
        }
        if (count == arguments.Length)
        {
            Help.WriteAll(output);
            return global.WantsHelp ? 0 : 1;
        }
        string word = arguments[count];
        string[] rest = arguments[(count + 1)..];
        if (CommandTable.Find(word) is { } command)
            return await RunAsync(command, global, rest, host, output, error).ConfigureAwait(false);
        if (word == "help")
            return Documentation.Write(rest, output);
        error.Write("command not implemented\n");
        return 1;
    }

    private static async Task<int> RunAsync(Command command, GlobalOptions global, string[] arguments, Host host, TextWriter output, TextWriter error)
    {
        try
        {
            if (global.IsDryRun && !command.CanDryRun)
                throw new XlException("command does not implement -N (dryrun) option");
            ParsedOptions options = ParsedOptions.Read(command.AllOptions, arguments);
            if (options.Has("help"))
            {
                Help.Write(output, command);
                return 0;
            }
            if (options.Words.Count < command.RequiredWords)
                throw new UsageException($"'xl {command.Name}' requires at least {command.RequiredWords} argument{(command.RequiredWords > 1 ? "s" : "")}.\n", WrongOptions);
            return await command.RunAsync(new Invocation(command, global, options, host, output, error)).ConfigureAwait(false);
        }
        catch (OptionException failure) when (failure is { HasValue: true, Form.Letter: 'h' })
        {
            Help.Write(output, command);
            return 0;
        }
        catch (OptionException failure)
        {
            return Report($"option `{failure.Shown}' not supported.", WrongOptions);
        }
        catch (UsageException failure)
        {
            int status = failure.Message.Length > 0 ? Report(failure.Message, failure.ExitCode) : failure.ExitCode;
            Help.Write(output, command);
            return status;
        }
        catch (XlException failure)
        {
            return Report(failure.Message, failure.ExitCode);
        }
        catch (Exception failure) when (Host.Describe(failure) is { } sentence)
        {
            return Report(sentence, 1);
        }

        int Report(string text, int status)
        {
            output.Flush();
            error.Write(text + "\n");
            return status;
        }
    }
}
