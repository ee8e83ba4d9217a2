// SPDX-License-Identifier: MIT
// Joins the user's terminal to a machine's serial line until the machine ends or the user leaves. Used by the run command.

using System;
using System.IO;
using System.Threading;
using Microsoft.Win32.SafeHandles;
using XenSharp.Lab.Common;
using XenSharp.Lab.Machine;

namespace XenSharp.Lab.Terminal;

/// <summary>
/// Everything typed goes to the serial line, Ctrl-A with it, so that the hypervisor sees its three Ctrl-A. Only Ctrl-\ stays here: it ends the machine.
/// (Ctrl-] is left alone because <c>xl console</c> in dom0 uses it.)
/// </summary>
public static class TerminalSession
{
    private const byte LeaveKey = 0x1C;

    /// <summary>Undoes the application mode of cursor keys and keypad (terminfo's rmkx), which .NET turns on when it starts programs.</summary>
    private static readonly byte[] s_ordinaryKeys = "\u001b[?1l\u001b>"u8.ToArray();

    /// <summary>Returns once the machine has ended, by itself, by the user or because time was over; true unless QEMU itself failed.</summary>
    public static bool Run(MachineConfiguration configuration, TimeSpan? timeout, Action<QemuMachine>? atEnd = null)
    {
        bool raw;
        using (RawTerminal probe = new())
            raw = probe.IsRaw;
        if (raw)
            Progress.Notice(@"the terminal is the machine's console now. Ctrl-\ ends the machine; Ctrl-A three times switches between dom0 and hypervisor.");
        if (configuration.GdbPort is { } port)
            Progress.Notice($"the machine waits for a debugger: gdb {Path.GetRelativePath(Environment.CurrentDirectory, Repository.Symbols)} -ex 'target remote :{port}'");

        using ManualResetEventSlim leave = new();
        using Stream output = Console.OpenStandardOutput();
        using RawTerminal terminal = new();
        if (raw)
            output.Write(s_ordinaryKeys);
        using QemuMachine machine = QemuMachine.Start(configuration, bytes =>
        {
            output.Write(bytes.Span);
            output.Flush();
        });
        Thread keys = new(() => ForwardKeys(machine, leave, raw)) { IsBackground = true, Name = "keys" };
        keys.Start();
        WaitHandle[] events = [leave.WaitHandle, ((IAsyncResult)machine.Ended).AsyncWaitHandle];
        int which = WaitHandle.WaitAny(events, timeout ?? Timeout.InfiniteTimeSpan);
        machine.Kill();
        terminal.Dispose();
        HostConsole.Error.WriteLine();
        string reason = which switch
        {
            0 => "the machine was ended by Ctrl-\\.",
            1 => "the machine has ended.",
            _ => $"the machine was ended after {timeout?.TotalSeconds:0} s (--timeout).",
        };
        Progress.Notice(reason);
        if (machine.Complaints.Length > 0)
            Progress.Notice($"QEMU says: {machine.Complaints}");
        atEnd?.Invoke(machine);
        return which != 1 || machine.Ended.Result == 0;
    }

    /// <summary>A pipe instead of a terminal is forwarded too, without the leave key; its end leaves the machine running.</summary>
    private static void ForwardKeys(QemuMachine machine, ManualResetEventSlim leave, bool isTerminal)
    {
        using FileStream input = new(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, bufferSize: 0);
        byte[] buffer = new byte[256];
        int count;
        while ((count = input.Read(buffer)) > 0)
        {
            ReadOnlySpan<byte> typed = buffer.AsSpan(0, count);
            int position = isTerminal ? typed.IndexOf(LeaveKey) : -1;
            machine.Send(position >= 0 ? typed[..position] : typed);
            if (position >= 0)
            {
                leave.Set();
                return;
            }
        }
    }
}
