// SPDX-License-Identifier: MIT
// One AMD IOMMU: its registers and its command buffer (AMD I/O Virtualization Technology Specification 48882, 2.4 and 3.4).
// Called by IommuSystem under its lock.

using XenSharp.Core.Boot.Acpi;
using XenSharp.Core.Console;
using XenSharp.Edge;

namespace XenSharp.Core.Iommu;

/// <summary>Commands are run to completion before a call returns, so the buffer is empty between calls.</summary>
public sealed partial class IommuUnit
{
    /// <summary>The registers that are used.</summary>
    public const int RegisterBytes = 0x4000;

    private const int DeviceTableBase = 0, CommandBase = 8, EventBase = 0x10, Control = 0x18, ExclusionBase = 0x20, ExclusionLimit = 0x28, ExtendedFeature = 0x30;
    private const int CommandHead = 0x2000, CommandTail = 0x2008, EventHead = 0x2010, EventTail = 0x2018, Status = 0x2020;

    private const ulong Enable = 1, EventLogEnable = 1 << 2, EventInterruptEnable = 1 << 3, Coherent = 1 << 10, CommandEnable = 1 << 12;
    private const int LengthShift = 56, CommandBytes = 16;

    // 256 commands in a page; the buffer is never more than half full.
    private const ulong CommandLength = 8;
    private const int CommandCapacity = 256;
    private const ulong CompletionLimitNs = 1_000_000_000;

    private readonly Host _host;
    private readonly RegisterWindow _registers;
    private readonly Mfn _commands;
    private readonly Mfn _completion;
    private readonly Mfn _events;
    private readonly ulong _settings;
    private int _tail;
    private ulong _sequence;

    /// <summary><paramref name="events"/> are 16 pages in a row; all are zeroed.</summary>
    public IommuUnit(Host host, in IommuDescription description, RegisterWindow registers, Mfn commands, Mfn completion, Mfn events)
    {
        // HtTunEn, PassPW, ResPassPW and Isoc of the firmware's flags, at their places in the control register.
        byte flags = description.Flags;
        _settings = ((flags & 1ul) << 1) | ((flags & 2ul) << 7) | ((flags & 4ul) << 7) | ((flags & 8ul) << 8) | Coherent;
        _host = host;
        _registers = registers;
        _commands = commands;
        _completion = completion;
        _events = events;
        DeviceId = description.DeviceId;
        Address = description.Address;
        Features = registers.Read64(ExtendedFeature);
    }

    /// <summary>Bus, device and function of the IOMMU itself: no domain's business.</summary>
    public ushort DeviceId { get; }

    public ulong Address { get; }

    /// <summary>The extended feature register.</summary>
    public ulong Features { get; }

    public bool HasInvalidateAll => (Features & (1 << 6)) != 0;

    /// <summary>An IOMMU that has not answered is not asked again.</summary>
    public bool IsLost { get; private set; }

    /// <summary>Switches the IOMMU on, whatever the firmware has left in it.</summary>
    public void Start(Mfn deviceTable, ulong deviceTablePages)
    {
        _registers.Write64(Control, 0);
        _registers.Write64(ExclusionBase, 0);
        _registers.Write64(ExclusionLimit, 0);
        _registers.Write64(DeviceTableBase, deviceTable.Address | (deviceTablePages - 1));
        _registers.Write64(CommandBase, _commands.Address | (CommandLength << LengthShift));
        _registers.Write64(CommandHead, 0);
        _registers.Write64(CommandTail, 0);
        RestartEvents();
        _registers.Write64(Control, _settings | Enable | CommandEnable | EventLogEnable | EventInterruptEnable);
    }

    public void Stop() => _registers.Write64(Control, 0);

    public void InvalidateAll() => Submit(8UL << 60, 0);

    public void InvalidateDevice(ushort deviceId) => Submit((2UL << 60) | deviceId, 0);

    public void InvalidateInterrupts(ushort deviceId) => Submit((5UL << 60) | deviceId, 0);

    /// <summary>All translations of one domain, tables included.</summary>
    public void InvalidateDomain(ushort domainId)
    {
        const ulong everything = 0x7fff_ffff_ffff_f000, sizeBit = 1, tablesToo = 2;
        Submit((3UL << 60) | ((ulong)domainId << 32), everything | sizeBit | tablesToo);
    }

    /// <summary>Returns when all commands have taken effect; false when the IOMMU does not answer within a second.</summary>
    public bool Complete()
    {
        if (IsLost)
            return false;
        _sequence++;
        const ulong store = 1;
        Submit((1UL << 60) | _completion.Address | store, _sequence);
        _host.Memory.Barrier();
        _registers.Write64(CommandTail, (ulong)_tail);
        ulong limit = 0;
        while (_host.Memory.Read64(_completion, 0) != _sequence)
        {
            ulong now = _host.Clock.Now;
            if (limit == 0)
                limit = now + CompletionLimitNs;
            if (now > limit)
            {
                IsLost = true;
                return false;
            }

            _host.Memory.Barrier();
        }

        return true;
    }

    private void Submit(ulong low, ulong high)
    {
        _host.Memory.Write64(_commands, _tail, low);
        _host.Memory.Write64(_commands, _tail + 8, high);
        _tail = (_tail + CommandBytes) & ((CommandCapacity * CommandBytes) - 1);
    }

    /// <summary>The features in Xen's words.</summary>
    public void PrintFeatures()
    {
        HostConsole console = _host.Console;
        console.Print(LogLevel.Info, "AMD-Vi: IOMMU Extended Features:"u8);
        for (int bit = 0; bit < 10; bit++)
        {
            System.ReadOnlySpan<byte> name = FeatureName(bit);
            if ((Features >> bit & 1) != 0 && name.Length > 0)
                console.Begin(LogLevel.Info).Text("- "u8).Text(name).End();
        }

        console.Begin(LogLevel.Info).Text("- Host Address Translation Size: 0x"u8).Hex(Features >> 10 & 3).End();
    }

    private static System.ReadOnlySpan<byte> FeatureName(int bit) => bit switch
    {
        0 => "Prefetch Pages Command"u8,
        1 => "Peripheral Page Service Request"u8,
        2 => "x2APIC"u8,
        3 => "NX bit"u8,
        6 => "Invalidate All Command"u8,
        7 => "Guest APIC"u8,
        8 => "Hardware Error Registers"u8,
        9 => "Performance Counters"u8,
        _ => []
    };
}
