// SPDX-License-Identifier: MIT
// A machine that exists only as its clock, its console text and a log of what was asked of it.

using System;
using System.Collections.Generic;
using System.Text;

namespace XenSharp.Edge;

/// <summary>Raised by the calls that never return.</summary>
public sealed class MachineStoppedException(string how) : Exception(how);

/// <summary>Virtual time runs only when a test lets it; the cycle counter counts at 2 GHz.</summary>
public sealed class VirtualPlatform : Platform
{
    public const ulong TscFrequencyHz = 2_000_000_000;

    [ThreadStatic]
    private static Processor? current;

    private readonly StringBuilder _console = new();
    private readonly Queue<byte> _input = new();
    private readonly object _lock = new();

    /// <summary>The processor that the calling thread stands for; without one, the first that was added.</summary>
    public static Processor? Running
    {
        get => current;
        set => current = value;
    }

    public Processor? BootProcessor { get; set; }

    public override Processor CurrentProcessor => current ?? BootProcessor!;

    /// <summary>Virtual time, ns since the machine was switched on.</summary>
    public ulong NowNs { get; set; }

    /// <summary>How far time goes (ns) at each reading of the counter, for code that waits for something that does not come.</summary>
    public ulong Ticks { get; set; }

    /// <summary>What was done to the machine, in order.</summary>
    public List<string> Log { get; } = [];

    public string ConsoleText
    {
        get
        {
            lock (_lock)
                return _console.ToString();
        }
    }

    /// <summary>Armed deadline of each processor; 0 or absent: none.</summary>
    public Dictionary<int, ulong> Deadlines { get; } = [];

    /// <summary>Processors that were kicked, in order.</summary>
    public List<int> Kicks { get; } = [];

    /// <summary>Answers to port reads; ports without one read as all ones.</summary>
    public Dictionary<ushort, uint> PortValues { get; } = [];

    public Func<uint, uint, (uint Eax, uint Ebx, uint Ecx, uint Edx)> CpuidAnswer { get; set; } = (_, _) => default;

    public override ulong WallClockAtBoot => 1_700_000_000;

    public void Type(string text)
    {
        foreach (byte character in Encoding.ASCII.GetBytes(text))
            _input.Enqueue(character);
    }

    public override ulong ReadTsc() => (NowNs += Ticks) * (TscFrequencyHz / 1_000_000_000);

    public override void Kick(Processor processor)
    {
        lock (_lock)
            Kicks.Add(processor.Id);
    }

    public override void ArmTimer(ulong deadlineNs)
    {
        lock (_lock)
            Deadlines[CurrentProcessor?.Id ?? 0] = deadlineNs;
    }

    public override void WriteConsole(ReadOnlySpan<byte> text)
    {
        lock (_lock)
            _console.Append(Encoding.Latin1.GetString(text));
    }

    public override int ReadConsole() => _input.TryDequeue(out byte value) ? value : -1;

    public override void Reboot() => throw new MachineStoppedException("reboot");

    public override void PowerOff() => throw new MachineStoppedException("power off");

    public override void Halt() => throw new MachineStoppedException("halt");

    public override uint ApicId(int processor) => (uint)processor;

    public override void Cpuid(uint leaf, uint subleaf, out uint eax, out uint ebx, out uint ecx, out uint edx) =>
        (eax, ebx, ecx, edx) = CpuidAnswer(leaf, subleaf);

    public override void DumpExecutionState() => Note("dump");

    public override void EndOfInterrupt(int gsi) => Note("eoi " + gsi);

    public override void RouteGsi(int gsi, bool levelTriggered, bool activeLow) => Note("route " + gsi + (levelTriggered ? " level" : " edge") + (activeLow ? " low" : " high"));

    public override void MaskGsi(int gsi) => Note("mask " + gsi);

    /// <summary>Device memory and PCI configuration space, where a test has some.</summary>
    public VirtualDevices? Devices { get; set; }

    public override ulong ReadDevice(ulong machineAddress, int size) => Devices?.Read(machineAddress, size) ?? ulong.MaxValue;

    public override void WriteDevice(ulong machineAddress, int size, ulong value) => Devices?.Write(machineAddress, size, value);

    public override void Out(ushort port, int size, uint value)
    {
        if (Devices != null && Devices.Decodes(port))
            Devices.Out(port, size, value);
        else
            Note("out" + (8 * size) + " " + port.ToString("x") + " " + value.ToString("x"));
    }

    public override uint In(ushort port, int size) => Devices != null && Devices.Decodes(port) ? Devices.In(port, size) : PortValues.TryGetValue(port, out uint value) ? value : uint.MaxValue;

    private void Note(string what)
    {
        lock (_lock)
            Log.Add(what);
    }
}
