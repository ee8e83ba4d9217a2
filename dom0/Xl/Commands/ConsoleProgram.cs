// SPDX-License-Identifier: MIT
// The console that create -c joins this terminal to: first a bootloader's, which ends with it, then the guest's. Used by CreateCommand.

using System;
using System.Diagnostics;
using System.Threading.Tasks;
using XenSharp.Interop;

namespace XenSharp.Xl.Commands;

internal sealed class ConsoleProgram : IDisposable
{
    private Process? _process;

    /// <summary>Joins a domain's console, in place of the one before.</summary>
    public void Start(ushort domain)
    {
        if (_process is { HasExited: false })
            Processes.Signal(_process.Id, Processes.Terminate);
        _process?.WaitForExit();
        _process?.Dispose();
        _process = MonitorProgram.Start("xenconsole", $"{domain}", "--num", "0", "--type", "pv");
    }

    /// <summary>Until the user leaves, or the console's end; the program's exit code, 0 if it was not started.</summary>
    public async Task<int> WaitAsync()
    {
        if (_process is null)
            return 0;
        await _process.WaitForExitAsync().ConfigureAwait(false);
        return _process.ExitCode;
    }

    public void Dispose() => _process?.Dispose();
}
