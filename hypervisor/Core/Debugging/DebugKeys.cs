// SPDX-License-Identifier: MIT
// The debug keys: a letter typed at the console (after CTRL-a three times), or sent by `xl debug-keys`, prints a part of the state.

using System;
using XenSharp.Core.Console;
using XenSharp.Core.Domains;
using XenSharp.Core.EventChannels;
using XenSharp.Core.Scheduling;
using XenSharp.Core.Time;

namespace XenSharp.Core.Debugging;

/// <summary>Key to report, with Xen's letters and headings (xen/common/keyhandler.c). Runs on the CPU that got the key.</summary>
public sealed class DebugKeys(Host host)
{
    // The keys that only show something: '*' presses them all.
    private static ReadOnlySpan<byte> Diagnostics => "0aegmnqrtuvzHMidw"u8;

    private LogThresholds? _adjusted;

    /// <summary>One key; a letter without meaning does nothing.</summary>
    public void Press(byte key, Cpu caller)
    {
        switch (key)
        {
            case (byte)'h':
                Help(caller);
                break;
            case (byte)'R':
                host.Console.Begin(caller).Text("'R' pressed -> rebooting machine"u8).End();
                host.Platform.Reboot();
                break;
            case (byte)'*':
                host.Console.Begin(caller).Text("'*' pressed -> firing all diagnostic keyhandlers"u8).End();
                foreach (byte diagnostic in Diagnostics)
                {
                    host.Console.Begin(caller).Text("["u8).Character(diagnostic).Text(": "u8).Text(Describe(diagnostic)).Text("]"u8).End();
                    Show(diagnostic, caller);
                }

                break;
            case (byte)'+':
                Adjust(key, 1, caller);
                break;
            case (byte)'-':
                Adjust(key, -1, caller);
                break;
            case (byte)'G':
                _adjusted = _adjusted == host.Console.GuestThresholds ? host.Console.HostThresholds : host.Console.GuestThresholds;
                host.Console.Begin(caller).Text("'G' pressed -> "u8).Text(AdjustedName).Text(" log level adjustments enabled"u8).End();
                break;
            default:
                Show(key, caller);
                break;
        }
    }

    private ReadOnlySpan<byte> AdjustedName => _adjusted == host.Console.GuestThresholds ? "guest"u8 : "standard"u8;

    private static ReadOnlySpan<byte> Describe(byte key) => (char)key switch
    {
        '*' => "print all diagnostics"u8,
        '+' => "increase log level threshold"u8,
        '-' => "decrease log level threshold"u8,
        '0' => "dump Dom0 registers"u8,
        'G' => "toggle host/guest log level adjustment"u8,
        'H' => "dump heap info"u8,
        'M' => "dump MSI state"u8,
        'R' => "reboot machine"u8,
        'a' => "dump timer queues"u8,
        'd' => "dump registers"u8,
        'e' => "dump evtchn info"u8,
        'g' => "print grant table usage"u8,
        'h' => "show this message"u8,
        'i' => "dump interrupt bindings"u8,
        'm' => "memory info"u8,
        'n' => "NMI statistics"u8,
        'q' => "dump domain (and guest debug) info"u8,
        'r' => "dump run queues"u8,
        't' => "display multi-cpu clock info"u8,
        'u' => "dump NUMA info"u8,
        'v' => "dump guest CPU state (VMCBs)"u8,
        'w' => "synchronously dump console ring buffer (dmesg)"u8,
        'z' => "dump IOAPIC info"u8,
        _ => ""u8,
    };

    private void Help(Cpu caller)
    {
        host.Console.Begin(caller).Text("'h' pressed -> showing installed handlers"u8).End();
        for (int key = 0x21; key < 0x7f; key++)
        {
            ReadOnlySpan<byte> text = Describe((byte)key);
            if (text.Length != 0)
                host.Console.Begin(caller).Text(" key '"u8).Character((byte)key).Text("' (ascii '"u8).Hex((ulong)key, 2).Text("') => "u8).Text(text).End();
        }
    }

    private void Show(byte key, Cpu caller)
    {
        switch ((char)key)
        {
            case '0': DomainDump.DumpHardwareDomain(host, caller); break;
            case 'a': TimerDump.Dump(host, caller); break;
            case 'd': DomainDump.DumpProcessor(host, caller); break;
            case 'e': EventChannelDump.DumpEventChannels(host, caller); break;
            case 'g': GrantDump.Dump(host, caller); break;
            case 'H': MemoryDump.Heap(host, caller); break;
            case 'm': MemoryDump.Memory(host, caller); break;
            case 'u': MemoryDump.Nodes(host, caller); break;
            case 'q': DomainDump.Dump(host, caller); break;
            case 'r': RunQueueDump.Dump(host, caller); break;
            case 't': MachineDump.Clock(host, caller); break;
            case 'i': MachineDump.Interrupts(host, caller); break;
            case 'z': MachineDump.IoApics(host, caller); break;
            case 'M': MachineDump.MessageInterrupts(host, caller); break;
            case 'n': MachineDump.NonMaskable(host, caller); break;
            case 'v': MachineDump.GuestState(host, caller); break;
            case 'w': MachineDump.ConsoleRing(host, caller); break;
        }
    }

    private void Adjust(byte key, int step, Cpu caller)
    {
        LogThresholds thresholds = _adjusted ??= host.Console.HostThresholds;
        int always = Math.Clamp(thresholds.Always + step, LogThresholds.None, LogThresholds.All);
        thresholds.Set(always, Math.Max(thresholds.Limited, always));
        host.Console.Begin(caller).Text("'"u8).Character(key).Text("' pressed -> "u8).Text(AdjustedName).Text(" log level: "u8)
            .Text(ConsoleInput.LevelText(thresholds.Always)).Text(" (rate limited "u8).Text(ConsoleInput.LevelText(thresholds.Limited)).Text(")"u8).End();
    }
}
