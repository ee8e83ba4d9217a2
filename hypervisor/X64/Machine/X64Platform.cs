// SPDX-License-Identifier: MIT
// The machine as the core sees it.

using System;
using System.Threading;
using XenSharp.Core;
using XenSharp.Core.Interrupts;
using XenSharp.Edge;
using XenSharp.X64.Runtime;

namespace XenSharp.X64.Machine;

/// <summary>One implementation of <see cref="Platform"/>.</summary>
// SAFETY: per-CPU blocks, which the unsafe members read, are found through GS and live for good.
internal sealed class X64Platform : Platform
{
    private readonly SpinLock _ioApicLock = new(LockScope.Host);
    private readonly uint[] _apicIds = new uint[Host.MaxProcessors];
    private readonly ulong[] _pendingGsis = new ulong[IoApicHardware.MaxGsis / 64];
    private readonly byte[] _isLevel = new byte[IoApicHardware.MaxGsis];
    private readonly byte[] _isRouted = new byte[IoApicHardware.MaxGsis];
    private readonly ulong[] _pendingMessages = new ulong[Host.MaxProcessors];
    private uint _apicTicksPerNsShifted;

    /// <summary>The GSI of the serial console's interrupt, or -1: polled by a timer.</summary>
    public int ConsoleGsi { get; set; } = -1;

    private readonly Svm.VcpuRunner?[] _runners = new Svm.VcpuRunner?[Host.MaxProcessors];
    private ushort _resetPort;
    private byte _resetValue;
    private ushort _powerControlPort;

    /// <summary>How the machine is reset and switched off, from the FADT; ports of 0 are not there.</summary>
    public void SetEnd(ushort resetPort, byte resetValue, ushort powerControlPort)
    {
        _resetPort = resetPort;
        _resetValue = resetValue;
        _powerControlPort = powerControlPort;
    }

    public void SetRunner(int processor, Svm.VcpuRunner runner) => _runners[processor] = runner;

    /// <summary>The loop of a CPU, null while it is not up.</summary>
    public Svm.VcpuRunner? Runner(int processor) => _runners[processor];

    public override ulong WallClockAtBoot => CmosClock.ReadSeconds();

    public override unsafe Processor CurrentProcessor => Assembly.PerCpu()->Processor;

    /// <summary>Ticks of the APIC timer per ns, as a 32.32 fraction's upper part.</summary>
    public void SetApicTimerFrequency(ulong hertz) => _apicTicksPerNsShifted = (uint)((hertz << 20) / 1_000_000_000);

    public void SetApicId(int processor, uint apicId) => _apicIds[processor] = apicId;

    public override ulong ReadTsc() => Assembly.ReadTsc();

    public override uint ApicId(int processor) => _apicIds[processor];

    public override unsafe void Kick(Processor processor)
    {
        if (processor.Id != Assembly.PerCpu()->Id)
            LocalApicHardware.SendFixed(_apicIds[processor.Id], LocalApicHardware.KickVector);
    }

    public override void ArmTimer(ulong deadlineNs)
    {
        if (deadlineNs == 0)
        {
            LocalApicHardware.StartTimer(0);
            return;
        }

        ulong now = Root.Host.Clock.Now;
        ulong wait = deadlineNs > now ? deadlineNs - now : 1;
        // Long waits are cut: the timer queue arms again.
        ulong ticks = wait > 1_000_000_000 ? 0x4000_0000 : ((wait * _apicTicksPerNsShifted) >> 20) + 1;
        LocalApicHardware.StartTimer((uint)Math.Min(ticks, 0x4000_0000UL));
    }

    public override void WriteConsole(ReadOnlySpan<byte> text) => EarlyConsole.Write(text);

    public override int ReadConsole() => EarlyConsole.Read();

    /// <summary>
    /// Waits until no other CPU copies by older translations of <paramref name="p2m"/>, or runs guest code that entered with older ones.
    /// A CPU that enters later sees the new generation and flushes, so the wait is for one exit at most.
    /// </summary>
    public unsafe void ExpelGuests(P2m p2m)
    {
        int self = (int)Assembly.PerCpu()->Id;
        for (int i = 0; i < Root.Host.ProcessorCount; i++)
        {
            Svm.VcpuRunner? runner = i == self ? null : _runners[i];
            if (runner == null)
                continue;
            WaitForCopy(Root.Host.Processors[i]!);
            if (!runner.Runs(p2m))
                continue;
            uint entry = runner.EntryCount;
            LocalApicHardware.SendFixed(_apicIds[i], LocalApicHardware.KickVector);
            while (runner.Runs(p2m) && runner.EntryCount == entry)
                Assembly.Pause();
        }
    }

    // A copy takes no lock and is bounded by a page, so the wait is short whatever the caller holds.
    private static void WaitForCopy(Processor processor)
    {
        int copies = processor.Copies;
        while ((copies & 1) != 0 && processor.Copies == copies)
            Assembly.Pause();
    }

    /// <summary>Interrupt context: remembers the line and masks it if it is level-triggered.</summary>
    public void NoteDeviceInterrupt(int gsi, Processor cpu)
    {
        if (gsi == ConsoleGsi)
        {
            cpu.Raise(PendingWork.Console);
            return;
        }

        if (_isLevel[gsi] != 0)
            IoApicHardware.Mask(gsi);
        Interlocked.Or(ref _pendingGsis[gsi >> 6], 1UL << (gsi & 63));
        cpu.Raise(PendingWork.Interrupt);
    }

    /// <summary>Interrupt context: remembers a message (MSI) that came with one of <see cref="MessageInterrupts"/>' vectors.</summary>
    public void NoteMessage(int vector, Processor cpu)
    {
        _pendingMessages[cpu.Id] |= 1UL << MessageInterrupts.LineOf(vector);
        cpu.Raise(PendingWork.Interrupt);
    }

    /// <summary>Passes noted device interrupts on to the domain that owns the devices.</summary>
    public void DeliverDeviceInterrupts(Cpu cpu)
    {
        ulong messages = Interlocked.Exchange(ref _pendingMessages[cpu.Id], 0);
        if (messages != 0)
            cpu.Host.Messages.Arrived(messages, cpu);
        for (int word = 0; word < _pendingGsis.Length; word++)
        {
            ulong pending = Interlocked.Exchange(ref _pendingGsis[word], 0);
            while (pending != 0)
            {
                int bit = System.Numerics.BitOperations.TrailingZeroCount(pending);
                pending &= pending - 1;
                cpu.Host.HardwareDomain?.IoApics.DeviceInterrupt((word * 64) + bit, cpu);
            }
        }
    }

    public override void RouteGsi(int gsi, bool levelTriggered, bool activeLow)
    {
        if ((uint)gsi >= IoApicHardware.MaxGsis || gsi == ConsoleGsi)
            return;
        using SpinLock.Guard guard = _ioApicLock.Enter(CurrentProcessor);
        _isLevel[gsi] = levelTriggered ? (byte)1 : (byte)0;
        _isRouted[gsi] = 1;
        IoApicHardware.Route(gsi, _apicIds[0], levelTriggered, activeLow);
    }

    public override void MaskGsi(int gsi)
    {
        if ((uint)gsi >= IoApicHardware.MaxGsis || gsi == ConsoleGsi)
            return;
        using SpinLock.Guard guard = _ioApicLock.Enter(CurrentProcessor);
        IoApicHardware.Mask(gsi);
    }

    public override void EndOfInterrupt(int gsi)
    {
        if ((uint)gsi >= IoApicHardware.MaxGsis || gsi == ConsoleGsi)
            return;
        using SpinLock.Guard guard = _ioApicLock.Enter(CurrentProcessor);
        if (_isLevel[gsi] != 0)
            IoApicHardware.EndOfInterrupt(gsi);
        IoApicHardware.Unmask(gsi);
    }

    public override unsafe void Cpuid(uint leaf, uint subleaf, out uint eax, out uint ebx, out uint ecx, out uint edx)
    {
        uint* result = stackalloc uint[4];
        Assembly.Cpuid(leaf, subleaf, result);
        eax = result[0];
        ebx = result[1];
        ecx = result[2];
        edx = result[3];
    }

    public override void DumpInterrupts()
    {
        Host host = Root.Host;
        for (int gsi = 0; gsi < IoApicHardware.GsiCount; gsi++)
        {
            ulong entry = IoApicHardware.ReadEntry(gsi);
            bool isConsole = gsi == ConsoleGsi;
            bool isMasked = (entry & (1 << 16)) != 0;
            if (isMasked && !isConsole && (gsi >= IoApicHardware.MaxGsis || _isRouted[gsi] == 0))
                continue;
            host.Console.Begin(CurrentProcessor).Text("   GSI "u8).Decimal(gsi).Text(": vec=0x"u8).Hex(entry & 0xff, 2).Text((entry & (1 << 15)) != 0 ? " level"u8 : " edge"u8)
                .Text((entry & (1 << 13)) != 0 ? " low"u8 : " high"u8).Text(" apic="u8).Decimal(entry >> 56).Text(isMasked ? " masked"u8 : " unmasked"u8)
                .Text(isConsole ? " hypervisor's console"u8 : " domain 0"u8).End();
        }
    }

    public override unsafe void DumpExecutionState()
    {
        PerCpu* block = Assembly.PerCpu();
        ulong marker = 0;
        BackTrace.Print(Root.Host, block->Processor, Assembly.TextStart(), (ulong)&marker, block->StackTop);
    }

    public override void Reboot()
    {
        if (_resetPort != 0)
            Assembly.Out8(_resetPort, _resetValue);
        Assembly.Out8(0x64, 0xfe);
        for (int i = 0; i < 1_000_000; i++)
            Assembly.Pause();
        Assembly.Out8(0xcf9, 6);
        Assembly.TripleFault();
    }

    public override void PowerOff()
    {
        // Sleep type 5 of the common chip sets is 0 with SLP_EN (bit 13); others are left halted.
        if (_powerControlPort != 0)
            Assembly.Out16(_powerControlPort, 0x2000);
        Assembly.HaltForever();
    }

    public override void Halt() => Assembly.HaltForever();

    public override ulong ReadDevice(ulong machineAddress, int size) => Paging.DeviceWindow.Read(machineAddress, size);

    public override void WriteDevice(ulong machineAddress, int size, ulong value) => Paging.DeviceWindow.Write(machineAddress, size, value);

    public override uint In(ushort port, int size) => size switch
    {
        1 => Assembly.In8(port),
        2 => Assembly.In16(port),
        _ => Assembly.In32(port),
    };

    public override void Out(ushort port, int size, uint value)
    {
        if (size == 1)
            Assembly.Out8(port, (byte)value);
        else if (size == 2)
            Assembly.Out16(port, (ushort)value);
        else
            Assembly.Out32(port, value);
    }
}
