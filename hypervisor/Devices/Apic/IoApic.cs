// SPDX-License-Identifier: MIT
// An emulated I/O APIC (version 0x11, no EOI register) that mirrors one of the machine's: same id, address, GSI base and number of pins.
// The owner serialises all calls with a lock.

namespace XenSharp.Devices.Apic;

/// <summary>Redirection of interrupt lines to local APICs (Intel 82093AA datasheet).</summary>
public sealed class IoApic
{
    /// <summary>What Xen's emulated I/O APIC reports; without a directed EOI register.</summary>
    public const uint Version = 0x11;

    public const int MaxPins = 240;

    private const int SelectOffset = 0x00, WindowOffset = 0x10;
    private const uint IdRegister = 0, VersionRegister = 1, ArbitrationRegister = 2, FirstEntryRegister = 0x10;

    private const ulong EntryLogical = 1 << 11, EntryStatus = 1 << 12, EntryActiveLow = 1 << 13, EntryRemoteRequest = 1 << 14;
    private const ulong EntryLevel = 1 << 15, EntryMasked = 1 << 16;

    private readonly IoApicHost _host;
    private readonly ulong[] _entries;
    private readonly bool[] _asserted;
    private readonly bool[] _bound;
    private uint _select;
    private uint _id;

    public IoApic(IoApicHost host, uint id, ulong address, int firstGsi, int pinCount)
    {
        _host = host;
        _id = id;
        Address = address;
        FirstGsi = firstGsi;
        _entries = new ulong[pinCount];
        _asserted = new bool[pinCount];
        _bound = new bool[pinCount];
        for (int i = 0; i < pinCount; i++)
            _entries[i] = EntryMasked;
    }

    /// <summary>Guest-physical address of the registers.</summary>
    public ulong Address { get; }

    public int FirstGsi { get; }

    public int PinCount => _entries.Length;

    /// <summary>The redirection entry of a pin, for the debug key and tests.</summary>
    public ulong this[int pin] => _entries[pin];

    public bool Decodes(ulong guestPhysicalAddress) => guestPhysicalAddress - Address < 0x1000;

    public bool HasGsi(int gsi) => (uint)(gsi - FirstGsi) < (uint)_entries.Length;

    public uint Read(int offset)
    {
        if (offset == SelectOffset)
            return _select;
        return offset == WindowOffset ? ReadRegister() : 0;
    }

    public void Write(int offset, uint value)
    {
        if (offset == SelectOffset)
            _select = value & 0xff;
        else if (offset == WindowOffset)
            WriteRegister(value);
    }

    /// <summary>The line has become active (level), or an edge came. An edge at a masked pin is lost, as in hardware.</summary>
    public void Assert(int gsi)
    {
        int pin = gsi - FirstGsi;
        ulong entry = _entries[pin];
        if ((entry & EntryLevel) == 0)
        {
            if ((entry & EntryMasked) == 0)
                Send(pin, entry);
            return;
        }

        _asserted[pin] = true;
        TrySendLevel(pin);
    }

    /// <summary>The line has become inactive.</summary>
    public void Deassert(int gsi) => _asserted[gsi - FirstGsi] = false;

    /// <summary>A local APIC has finished a level-triggered vector.</summary>
    public void EndOfInterrupt(byte vector)
    {
        for (int pin = 0; pin < _entries.Length; pin++)
        {
            ulong entry = _entries[pin];
            if ((byte)entry != vector || (entry & EntryRemoteRequest) == 0)
                continue;
            _entries[pin] = entry & ~EntryRemoteRequest;

            // The machine's line tells anew whether it is still active, once it is open again.
            _asserted[pin] = false;
            _host.EndOfInterrupt(FirstGsi + pin);
        }
    }

    private uint ReadRegister()
    {
        switch (_select)
        {
            case IdRegister:
            case ArbitrationRegister:
                return (_id & 0xf) << 24;
            case VersionRegister:
                return Version | ((uint)(_entries.Length - 1) << 16);
        }

        uint pin = (_select - FirstEntryRegister) >> 1;
        if (_select < FirstEntryRegister || pin >= (uint)_entries.Length)
            return 0;
        ulong entry = _entries[(int)pin];
        return (_select & 1) == 0 ? (uint)entry : (uint)(entry >> 32);
    }

    private void WriteRegister(uint value)
    {
        if (_select == IdRegister)
        {
            _id = (value >> 24) & 0xf;
            return;
        }

        uint number = (_select - FirstEntryRegister) >> 1;
        if (_select < FirstEntryRegister || number >= (uint)_entries.Length)
            return;
        int pin = (int)number;
        ulong old = _entries[pin];
        if ((_select & 1) != 0)
        {
            _entries[pin] = (old & uint.MaxValue) | ((ulong)value << 32);
            return;
        }

        const ulong readOnly = EntryStatus | EntryRemoteRequest;
        ulong entry = (old & 0xffff_ffff_0000_0000) | (value & 0x1_ffff & ~readOnly) | (old & readOnly);
        if ((entry & EntryLevel) == 0)
        {
            entry &= ~EntryRemoteRequest;
            _asserted[pin] = false;
        }

        _entries[pin] = entry;
        if ((entry & EntryMasked) != 0)
            return;
        const ulong trigger = EntryLevel | EntryActiveLow;
        if (!_bound[pin] || ((old ^ entry) & trigger) != 0)
        {
            _bound[pin] = true;
            _host.Bind(FirstGsi + pin, (entry & EntryLevel) != 0, (entry & EntryActiveLow) != 0);
        }

        if ((entry & EntryLevel) != 0)
            TrySendLevel(pin);
    }

    private void TrySendLevel(int pin)
    {
        ulong entry = _entries[pin];
        if (!_asserted[pin] || (entry & (EntryMasked | EntryRemoteRequest)) != 0)
            return;
        _entries[pin] = entry | EntryRemoteRequest;
        if (!Send(pin, entry))
            _entries[pin] = entry;
    }

    private bool Send(int pin, ulong entry)
    {
        ApicMessage message = default;
        message.Mode = (ApicDeliveryMode)((entry >> 8) & 7);
        message.Vector = (byte)entry;
        message.IsLogical = (entry & EntryLogical) != 0;
        message.IsLevel = (entry & EntryLevel) != 0;
        message.IsAssert = true;
        message.Destination = (uint)(entry >> 56);
        if (message.Mode is ApicDeliveryMode.Fixed or ApicDeliveryMode.LowestPriority or ApicDeliveryMode.Nmi)
            return _host.Deliver(in message);
        _host.ReportUnsupported(FirstGsi + pin, message.Mode);
        return false;
    }
}
