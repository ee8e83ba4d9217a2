// SPDX-License-Identifier: MIT
// The machine's vectors for message-signalled interrupts: who has them, and which interrupt of the guest they stand for. Called by the
// emulation of MSI and MSI-X, and by the port when such an interrupt has come.

using System.Numerics;
using XenSharp.Core.Domains;
using XenSharp.Core.Iommu;
using XenSharp.Core.Pci;
using XenSharp.Core.Vcpus;
using XenSharp.Devices.Apic;
using XenSharp.Edge;

namespace XenSharp.Core.Interrupts;

/// <summary>
/// A line is a CPU and one of its <see cref="Lines"/> vectors. <see cref="_lock"/> is the innermost but the scheduler's; it guards the table.
/// </summary>
public sealed class MessageInterrupts(Host host)
{
    /// <summary>Vectors on each CPU: sixteen below those of the I/O APICs' lines, the others above.</summary>
    public const int Lines = 64, LowLines = 16, LowVector = 0x30, HighVector = 0xc0;

    public const int None = -1;

    /// <summary>More interrupts of one line than this in a window are a storm: the line is closed for a while (as irq_ratelimit of Xen).</summary>
    public const uint StormLimit = 10_000;
    public const ulong StormWindowNs = 10_000_000;

    private struct Line
    {
        public PciFunction? Source;
        public int Entry;
        public bool IsBound;
        public uint Count;
        public ulong WindowStartNs;
        public ApicMessage Guest;
    }

    private readonly SpinLock _lock = new(LockScope.Domain);
    private Line[] _lines = [];

    /// <summary>Makes the table, once all CPUs are up.</summary>
    public void Start() => _lines = new Line[host.ProcessorCount * Lines];

    public static int LineOf(int vector) => vector < HighVector ? vector - LowVector : vector - HighVector + LowLines;

    public static byte VectorOf(int line) => (byte)(line % Lines < LowLines ? LowVector + (line % Lines) : HighVector + (line % Lines) - LowLines);

    /// <summary>
    /// Takes consecutive lines of one CPU for so many messages (a power of two) of a function, the first vector aligned to their number;
    /// the CPU that <paramref name="preferred"/> names if it has some left. The first line and what the function has to send for it, or
    /// <see cref="None"/>.
    /// </summary>
    public int Allocate(PciFunction source, int entry, int count, int preferred, Cpu caller, out MessageInterrupt message)
    {
        message = default;
        int line = Take(source, entry, count, preferred, caller);
        for (int i = 0; i < count && line >= 0; i++)
        {
            uint apicId = host.Platform.ApicId(line / Lines);
            if (!MachineMsi.TryCompose(host, source.Address, entry + i, VectorOf(line + i), apicId, caller, out MessageInterrupt composed))
            {
                Free(line, count, caller);
                return None;
            }

            if (i == 0)
                message = composed;
        }

        return line;
    }

    private int Take(PciFunction source, int entry, int count, int preferred, Cpu caller)
    {
        using SpinLock.Guard guard = _lock.Enter(caller);
        int processors = _lines.Length / Lines;
        for (int i = 0; i < processors; i++)
        {
            int first = Find(((preferred + i) % processors) * Lines, count);
            if (first < 0)
                continue;
            for (int j = 0; j < count; j++)
            {
                _lines[first + j] = default;
                _lines[first + j].Source = source;
                _lines[first + j].Entry = entry + j;
            }

            return first;
        }

        return None;
    }

    public void Free(int first, int count, Cpu caller)
    {
        for (int i = 0; i < count; i++)
        {
            if (_lines[first + i].Source is { } source)
                MachineMsi.Release(host, source.Address, _lines[first + i].Entry, caller);
        }

        using SpinLock.Guard guard = _lock.Enter(caller);
        for (int i = 0; i < count; i++)
            _lines[first + i] = default;
    }

    /// <summary>What the guest wants its device to send from now on. Addresses that are not those of local APICs reach nobody.</summary>
    public void Bind(int line, ulong address, uint data, Cpu caller)
    {
        const ulong logical = 1 << 2;
        ApicMessage message = default;
        message.Mode = (ApicDeliveryMode)((data >> 8) & 7);
        message.Vector = (byte)data;
        message.IsLogical = (address & logical) != 0;
        message.IsAssert = true;
        message.Destination = (uint)(address >> 12) & 0xff;
        using SpinLock.Guard guard = _lock.Enter(caller);
        ref Line target = ref _lines[line];
        target.Guest = message;
        target.IsBound = IsForApics(address) && message.Mode is ApicDeliveryMode.Fixed or ApicDeliveryMode.LowestPriority or ApicDeliveryMode.Nmi;
    }

    /// <summary>The CPU where the guest wants an interrupt, as far as one can say beforehand: the destination's, if it names one vCPU.</summary>
    public static int PreferredProcessor(Domain domain, ulong address)
    {
        const ulong logical = 1 << 2;
        uint destination = (uint)(address >> 12) & 0xff;
        Vcpu? vcpu = (address & logical) == 0 ? domain.FindVcpu(destination / 2) : null;
        return vcpu?.Processor?.Id ?? 0;
    }

    /// <summary>Prints the lines in use: what the machine sends, and what the guest gets (debug key 'M').</summary>
    public void Dump(Cpu caller)
    {
        for (int index = 0; index < _lines.Length; index++)
        {
            Line line = _lines[index];
            if (line.Source == null)
                continue;
            host.Console.Begin(caller).Text(line.Source.Msix != null && line.Source.Msix.IsEnabled ? " MSI-X "u8 : " MSI   "u8)
                .PciAddress(line.Source.Address).Text(" entry "u8).Decimal(line.Entry).Text(": vec="u8).Hex(VectorOf(index), 2).Text(" cpu="u8)
                .Decimal(index / Lines).Text(" -> guest vec="u8).Hex(line.Guest.Vector, 2).Text(line.Guest.IsLogical ? " log"u8 : " phys"u8).Text(" dest_id="u8)
                .Decimal(line.Guest.Destination).Text(line.IsBound ? ""u8 : " unbound"u8).Text(line.Source.IsThrottled ? " closed"u8 : ""u8).End();
        }
    }

    /// <summary>Interrupts of lines (a bit each) of the calling CPU have come.</summary>
    public void Arrived(ulong lines, Cpu caller)
    {
        while (lines != 0)
        {
            int bit = BitOperations.TrailingZeroCount(lines);
            lines &= lines - 1;
            Arrived((caller.Id * Lines) + bit, caller);
        }
    }

    private void Arrived(int index, Cpu caller)
    {
        Domain? domain = host.HardwareDomain;
        PciFunction? source;
        int entry;
        using (_lock.Enter(caller))
        {
            ref Line line = ref _lines[index];
            source = line.Source;
            entry = line.Entry;
            if (source == null || domain == null)
                return;
            if (line.IsBound)
                ApicBus.Deliver(domain, in line.Guest, null, caller);
            if (!IsStorm(ref line))
                return;
        }

        host.Pci.Storms.Begin(source, entry, caller);
    }

    // Counts per window; true once per window, when the limit is passed.
    private bool IsStorm(ref Line line)
    {
        line.Count++;
        if (line.Count <= StormLimit)
            return false;
        ulong now = host.Clock.Now;
        bool isStorm = now - line.WindowStartNs < StormWindowNs;
        line.Count = 0;
        line.WindowStartNs = now;
        return isStorm;
    }

    private int Find(int start, int count)
    {
        for (int first = start; first + count <= start + Lines; first++)
        {
            byte vector = VectorOf(first);
            if ((vector & (count - 1)) != 0 || VectorOf(first + count - 1) != vector + count - 1)
                continue;
            int free = 0;
            while (free < count && _lines[first + free].Source == null)
                free++;
            if (free == count)
                return first;
        }

        return None;
    }

    private static bool IsForApics(ulong address) => (address & ~0xf_ffffUL) == MachineMsi.AddressBase;
}
