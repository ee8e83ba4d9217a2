// SPDX-License-Identifier: MIT
// An IOMMU of the tests: executes commands when the tail moves, walks the tables in memory for each request, and caches what it found until
// it is told to forget it.

using System;
using System.Collections.Generic;
using XenSharp.Edge;

namespace XenSharp.Tests.Unit.Iommu;

internal sealed class FakeIommu(ArrayMemory memory) : RegisterWindow
{
    private const int Control = 0x18, CommandHead = 0x2000, CommandTail = 0x2008, EventTail = 0x2018, Status = 0x2020;

    private const ulong Absent = ulong.MaxValue;

    private readonly Dictionary<int, ulong> _registers = new() { [0x30] = 1 << 6 };
    private readonly Dictionary<(ushort Device, ulong Page), (ulong Domain, ulong Frame, bool Writable)> _cache = [];

    // A walk that an invalidation has overtaken leaves nothing behind.
    private int _invalidations;

    public List<string> Commands { get; } = [];

    /// <summary>Commands are left where they are.</summary>
    public bool IsDead { get; set; }

    /// <summary>That nothing is there is remembered too (NpCache).</summary>
    public bool CachesAbsent { get; set; }

    public bool LacksInvalidateAll
    {
        set => _registers[0x30] = value ? 0u : 1u << 6;
    }

    public override ulong Read64(int offset) => _registers.GetValueOrDefault(offset);

    public override void Write64(int offset, ulong value)
    {
        if (offset == Status)
        {
            _registers[Status] = Read64(Status) & ~value;
            return;
        }

        _registers[offset] = value;
        if (offset == CommandTail && !IsDead && (Read64(Control) & 0x1001) == 0x1001)
            Execute();
    }

    /// <summary>A request of a device; false (and an event, if the entry tells of it) when it is not let through.</summary>
    public bool Access(ushort device, ulong address, bool write, out ulong machineAddress)
    {
        machineAddress = address;
        if ((Read64(Control) & 1) == 0)
            return true;
        ulong page = address >> 12;
        if (!_cache.TryGetValue((device, page), out (ulong Domain, ulong Frame, bool Writable) found))
        {
            int invalidations = _invalidations;
            ulong entry = Entry(device, 0);
            if ((entry & 3) != 3)
                return (entry & 1) == 0;
            if ((entry >> 61 & 1) == 0 || !Walk(entry, address, out found.Frame, out found.Writable))
            {
                if (CachesAbsent)
                    _cache[(device, page)] = (Entry(device, 1) & 0xffff, Absent, false);
                return Fault(device, address, write);
            }

            found.Domain = Entry(device, 1) & 0xffff;
            if (invalidations == _invalidations)
                _cache[(device, page)] = found;
        }

        if (found.Frame == Absent)
            return Fault(device, address, write);
        machineAddress = (found.Frame << 12) | (address & 0xfff);
        return !write || found.Writable || Fault(device, address, write);
    }

    /// <summary>What a message becomes: vector and destination, or null when it is stopped.</summary>
    public (byte Vector, byte Destination)? Interrupt(ushort device, ulong address, uint data)
    {
        ulong word = Entry(device, 2);
        if ((word & 1) == 0)
            return ((byte)data, (byte)(address >> 12));
        int length = 1 << (int)(word >> 1 & 15);
        int index = (int)(data & 0x7ff);
        if ((word >> 60 & 3) != 2 || index >= length)
            return null;
        uint entry = memory.Read32(Mfn.Containing((word & 0x000f_ffff_ffff_ffc0) + ((ulong)index * 4)), (index * 4) & 0xfff);
        return (entry & 1) == 0 ? null : ((byte)(entry >> 16), (byte)(entry >> 8));
    }

    public void LogEvent(ulong low, ulong high)
    {
        ulong log = Read64(0x10) & 0x000f_ffff_ffff_f000;
        ulong size = 16UL << (int)(Read64(0x10) >> 56);
        ulong tail = Read64(EventTail);
        if ((Read64(Control) & 4) == 0 || (Read64(Status) & 1) != 0)
            return;
        if ((tail + 16) % size == Read64(0x2010))
        {
            _registers[Status] = Read64(Status) | 1;
            return;
        }

        memory.Write64(Mfn.Containing(log + tail), (int)((log + tail) & 0xfff), low);
        memory.Write64(Mfn.Containing(log + tail), (int)((log + tail) & 0xfff) + 8, high);
        _registers[EventTail] = (tail + 16) % size;
        _registers[Status] = Read64(Status) | 2;
    }

    private bool Fault(ushort device, ulong address, bool write)
    {
        LogEvent((2UL << 60) | ((write ? 0x20ul : 0) << 48) | ((Entry(device, 1) & 0xffff) << 32) | device, address);
        return false;
    }

    private ulong Entry(ushort device, int word)
    {
        ulong table = Read64(0) & 0x000f_ffff_ffff_f000;
        ulong limit = ((Read64(0) & 0x1ff) + 1) << 12;
        ulong offset = ((ulong)device * 32) + ((ulong)word * 8);
        if (offset >= limit)
            throw new InvalidOperationException("device id beyond the device table");
        return memory.Read64(Mfn.Containing(table + offset), (int)((table + offset) & 0xfff));
    }

    // Entries with bits that the specification reserves fail the test.
    private bool Walk(ulong entry, ulong address, out ulong frame, out bool writable)
    {
        frame = 0;
        writable = (entry >> 62 & 1) != 0;
        for (int level = (int)(entry >> 9 & 7); ;)
        {
            int shift = 12 + (9 * (level - 1));
            ulong table = entry & 0x000f_ffff_ffff_f000;
            entry = memory.Read64(Mfn.Containing(table), (int)(address >> shift & 511) * 8);
            if ((entry & 1) == 0)
            {
                if (entry != 0)
                    throw new InvalidOperationException("an absent entry that is not 0");
                return false;
            }

            int next = (int)(entry >> 9 & 7);
            if (next >= level || (entry & 0x80) != 0 || (entry & (1UL << 52)) != 0)
                throw new InvalidOperationException("malformed entry " + entry.ToString("x"));
            writable &= (entry >> 62 & 1) != 0;
            if ((entry >> 61 & 1) == 0)
                return false;
            if (next == 0)
            {
                ulong low = (1UL << (shift - 12)) - 1;
                frame = ((entry & 0x000f_ffff_ffff_f000) >> 12 & ~low) | (address >> 12 & low);
                return true;
            }

            if (next != level - 1)
                throw new InvalidOperationException("a skipped level");
            level = next;
        }
    }

    private void Execute()
    {
        ulong buffer = Read64(8) & 0x000f_ffff_ffff_f000;
        ulong size = 16UL << (int)(Read64(8) >> 56);
        ulong head = Read64(CommandHead);
        while (head != Read64(CommandTail))
        {
            Mfn page = Mfn.Containing(buffer + head);
            int offset = (int)((buffer + head) & 0xfff);
            Execute(memory.Read64(page, offset), memory.Read64(page, offset + 8));
            head = (head + 16) % size;
        }

        _registers[CommandHead] = head;
    }

    private void Execute(ulong low, ulong high)
    {
        switch (low >> 60)
        {
            case 1:
                Commands.Add("wait");
                Assert(low & 7, 1);
                memory.Write64(Mfn.Containing(low & 0x000f_ffff_ffff_f000), (int)(low & 0xff8), high);
                break;
            case 2:
                Commands.Add("device " + (ushort)low);
                Assert(high, 0);
                break;
            case 3:
                _invalidations++;
                ulong domain = low >> 32 & 0xffff;
                Commands.Add("domain " + domain);
                Assert(high, 0x7fff_ffff_ffff_f003);
                foreach ((ushort, ulong) key in new List<(ushort, ulong)>(_cache.Keys))
                {
                    if (_cache[key].Domain == domain)
                        _cache.Remove(key);
                }

                break;
            case 5:
                Commands.Add("interrupts " + (ushort)low);
                break;
            case 8:
                Commands.Add("all");
                Assert(low & 0x0fff_ffff_ffff_ffff, 0);
                _cache.Clear();
                break;
            default:
                throw new InvalidOperationException("illegal command " + low.ToString("x"));
        }
    }

    private static void Assert(ulong value, ulong expected)
    {
        if (value != expected)
            throw new InvalidOperationException("command word " + value.ToString("x") + ", expected " + expected.ToString("x"));
    }
}
