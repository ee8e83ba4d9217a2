// SPDX-License-Identifier: MIT
// The hypervisor's console, written to a log as it grows. Called by ConsoleLoop, on its thread only.

using System;
using System.IO;
using XenSharp.Control;
using XenSharp.Interop;

namespace XenSharp.Consoled;

internal sealed class HypervisorLog : IDisposable
{
    private readonly ConsoleHost _host;
    private readonly Action<string> _report;
    private readonly LogFile _log;
    private readonly byte[] _text = new byte[16 * 1024];
    private uint _index;

    public HypervisorLog(ConsoleHost host, DaemonOptions options)
    {
        _host = host;
        _report = options.Report;
        _log = new LogFile(Path.Combine(options.LogFolder, "hypervisor.log"), options.HypervisorLog, options.Report);
        Port = host.BindHypervisorLog();
        // The text of the boot, which no event tells of.
        Read();
    }

    /// <summary>Signals new text.</summary>
    public uint Port { get; }

    public void Take()
    {
        Read();
        _host.Unmask(Port);
    }

    public void Reopen() => _log.Reopen();

    public void Dispose() => _log.Dispose();

    private void Read()
    {
        try
        {
            int count;
            do
            {
                count = _host.ReadHypervisorLog(_text, ref _index);
                if (count > 0)
                    _log.Append(_text.AsSpan(0, count));
            }
            while (count == _text.Length);
        }
        catch (Exception failure) when (failure is IOException or HypercallException)
        {
            _report($"reading the hypervisor's console: {failure.Message}");
        }
    }
}
