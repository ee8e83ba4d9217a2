// SPDX-License-Identifier: MIT
// xenstore-control: commands to the daemon, live update among them.

using System;
using System.Globalization;
using System.IO;
using System.Threading.Tasks;
using XenSharp.XenstoreClient;

namespace XenSharp.XenstoreTools;

internal sealed class ControlTool(TextWriter output, string name)
{
    private const int Refused = 3;

    public async Task<int> RunAsync(string[] arguments)
    {
        if (arguments.Length == 0)
        {
            await Console.Error.WriteLineAsync($"Usage:\n{name} <command> [<arg>...]");
            return 2;
        }
        await using XenstoreConnection xenstore = await XenstoreConnection.ConnectAsync();
        if (arguments[0] == "live-update")
            return await UpdateAsync(xenstore, arguments[1..]);
        try
        {
            string answer = await xenstore.ControlAsync(arguments[0], arguments[1..]);
            if (answer.Length > 0)
                await output.WriteAsync(answer + "\n");
            return 0;
        }
        catch (XenstoreException failure) when (failure.Error == "EINVAL")
        {
            await Console.Error.WriteLineAsync($"Command not supported. Valid commands are:\n{await xenstore.ControlAsync("help", [])}");
            return Refused;
        }
        catch (XenstoreException failure)
        {
            await Console.Error.WriteLineAsync($"Error {failure.Error} when trying to execute command.");
            return Refused;
        }
    }

    private static async Task<int> UpdateAsync(XenstoreConnection xenstore, string[] arguments)
    {
        string? program = null;
        string? line = null;
        bool isForced = false;
        int timeout = 60;
        for (int index = 0; index < arguments.Length; index++)
        {
            switch (arguments[index])
            {
                case "-c" when index + 1 < arguments.Length: line = arguments[++index]; break;
                case "-t" when index + 1 < arguments.Length: int.TryParse(arguments[++index], out timeout); break;
                case "-F": isForced = true; break;
                default: program = arguments[index]; break;
            }
        }
        if (program is null)
        {
            await Console.Error.WriteLineAsync("Missing binary specification");
            return 2;
        }
        int status = await StepAsync(xenstore, "Setting update binary failed", ["-f", program]);
        if (status == 0 && line is not null)
            status = await StepAsync(xenstore, "Setting update binary failed", ["-c", line]);
        if (status == 0)
            status = await StepAsync(xenstore, "Starting live update failed", ["-s", "-t", timeout.ToString(CultureInfo.InvariantCulture), .. isForced ? ["-F"] : Array.Empty<string>()]);
        return status;
    }

    private static async Task<int> StepAsync(XenstoreConnection xenstore, string failed, string[] arguments)
    {
        string answer;
        do
            answer = await TryAsync(xenstore, arguments);
        while (answer == "BUSY");
        if (answer == "OK")
            return 0;
        await Console.Error.WriteLineAsync($"{failed}:\n{answer}");
        return Refused;
    }

    private static async Task<string> TryAsync(XenstoreConnection xenstore, string[] arguments)
    {
        try
        {
            return await xenstore.ControlAsync("live-update", arguments);
        }
        catch (XenstoreException failure)
        {
            return failure.Error;
        }
    }
}
