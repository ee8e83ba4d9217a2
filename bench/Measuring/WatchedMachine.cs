// SPDX-License-Identifier: MIT
// A machine that is ended soon after its console tells of a panic, so that a wait for it fails with that line instead of a timeout.

using System;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using XenSharp.Lab.Machine;

namespace XenSharp.Bench.Measuring;

internal sealed class WatchedMachine : IDisposable
{
    private static readonly TimeSpan s_lastWords = TimeSpan.FromSeconds(1);

    private readonly TroubleDetector _detector = new();
    private QemuMachine? _machine;
    private string? _trouble;

    public QemuMachine Machine => _machine!;

    public static WatchedMachine Start(MachineConfiguration configuration)
    {
        WatchedMachine watched = new();
        watched._machine = QemuMachine.Start(configuration, watched.Look);
        return watched;
    }

    public Match WaitFor(Regex pattern, TimeSpan timeout)
    {
        try
        {
            return Machine.WaitFor(pattern, timeout);
        }
        catch (MachineException failure)
        {
            throw Explain(failure);
        }
    }

    public void Dispose() => _machine?.Dispose();

    private MachineException Explain(MachineException failure) =>
        _trouble is null ? failure : new MachineException($"The machine failed: \"{_trouble}\".", Machine.Tail(), Machine.Complaints);

    private void Look(ReadOnlyMemory<byte> bytes)
    {
        _detector.Feed(bytes.Span);
        if (_trouble is not null || _detector.Trouble is not { } line)
            return;
        _trouble = line;
        Task.Delay(s_lastWords).ContinueWith(_ => _machine?.Kill(), TaskScheduler.Default);
    }
}
