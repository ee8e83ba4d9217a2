// SPDX-License-Identifier: MIT
// The I/O APICs of the hardware domain, and the machine's interrupts that end in them. Called by the port (device interrupts, accesses
// to the register pages) and by local APICs (ends of level interrupts).

using XenSharp.Core.Console;
using XenSharp.Core.Domains;
using XenSharp.Devices.Apic;
using XenSharp.Edge;

namespace XenSharp.Core.Interrupts;

/// <summary>All I/O APICs of one domain under one lock.</summary>
public sealed class DomainIoApics
{
    public const int Capacity = 16;
    private const int MaxGsi = 1024;

    private readonly Domain _domain;
    private readonly IoApic?[] _apics = new IoApic?[Capacity];
    private readonly DomainIoApicHost _host;
    private readonly bool[] _reserved = new bool[MaxGsi];
    private readonly SpinLock _lock = new(LockScope.Domain);
    private int _count;

    public DomainIoApics(Domain domain)
    {
        _domain = domain;
        _host = new DomainIoApicHost(domain, _reserved);
    }

    public int Count => _count;

    public IoApic? this[int index] => index < _count ? _apics[index] : null;

    /// <summary>Adds a copy of one of the machine's I/O APICs; at the building of the domain.</summary>
    public void Add(uint id, ulong address, int firstGsi, int pinCount)
    {
        if (_count == Capacity || (uint)firstGsi >= MaxGsi || pinCount < 1 || pinCount > IoApic.MaxPins || pinCount > MaxGsi - firstGsi)
        {
            _domain.Host.Console.Begin().Text("I/O APIC "u8).Decimal(id).Text(" is beyond what is supported; its interrupts are lost"u8).End();
            return;
        }

        _apics[_count] = new IoApic(_host, id, address, firstGsi, pinCount);
        _count++;
    }

    /// <summary>Keeps a GSI for the hypervisor (its own UART or timer): the domain's pin exists, but no line of the machine is bound to it.</summary>
    public void Reserve(int gsi)
    {
        if ((uint)gsi < MaxGsi)
            _reserved[gsi] = true;
    }

    /// <summary>The index of the I/O APIC whose registers lie at an address, or -1.</summary>
    public int Find(ulong guestPhysicalAddress)
    {
        for (int i = 0; i < _count; i++)
        {
            if (_apics[i]!.Decodes(guestPhysicalAddress))
                return i;
        }

        return -1;
    }

    public uint Read(int index, int offset, Cpu caller)
    {
        using SpinLock.Guard guard = _lock.Enter(caller);
        return _apics[index]!.Read(offset);
    }

    public void Write(int index, int offset, uint value, Cpu caller)
    {
        using SpinLock.Guard guard = _lock.Enter(caller);
        _host.Caller = caller;
        _apics[index]!.Write(offset, value);
    }

    /// <summary>
    /// The machine's interrupt of a GSI came, on <paramref name="caller"/>. A level line has been masked by the port and stays so
    /// until <see cref="Platform.EndOfInterrupt"/>. False: no pin of the domain's listens to the GSI.
    /// </summary>
    public bool DeviceInterrupt(int gsi, Cpu caller)
    {
        for (int i = 0; i < _count; i++)
        {
            IoApic apic = _apics[i]!;
            if (!apic.HasGsi(gsi))
                continue;
            using SpinLock.Guard guard = _lock.Enter(caller);
            _host.Caller = caller;
            apic.Assert(gsi);
            return true;
        }

        return false;
    }

    /// <summary>A local APIC finished a level-triggered vector.</summary>
    public void EndOfInterrupt(byte vector, Cpu caller)
    {
        if (_count == 0)
            return;
        using SpinLock.Guard guard = _lock.Enter(caller);
        _host.Caller = caller;
        for (int i = 0; i < _count; i++)
            _apics[i]!.EndOfInterrupt(vector);
    }
}

/// <summary>Ties the domain's I/O APICs to its local APICs and to the machine's lines.</summary>
public sealed class DomainIoApicHost(Domain domain, bool[] reserved) : IoApicHost
{
    /// <summary>The CPU that entered; valid under the lock of <see cref="DomainIoApics"/>.</summary>
    internal Cpu Caller { get; set; } = null!;

    public override bool Deliver(in ApicMessage message) => ApicBus.Deliver(domain, in message, null, Caller);

    public override void Bind(int gsi, bool levelTriggered, bool activeLow)
    {
        if (!reserved[gsi])
            domain.Host.Platform.RouteGsi(gsi, levelTriggered, activeLow);
    }

    public override void EndOfInterrupt(int gsi)
    {
        if (!reserved[gsi])
            domain.Host.Platform.EndOfInterrupt(gsi);
    }

    public override void ReportUnsupported(int gsi, ApicDeliveryMode mode) =>
        domain.Host.Console.BeginGuest(LogLevel.Warning, Caller).Text("d"u8).Decimal(domain.Id).Text(": GSI "u8).Decimal(gsi)
            .Text(" uses delivery mode "u8).Decimal((int)mode).Text(", which is not emulated"u8).End();
}
