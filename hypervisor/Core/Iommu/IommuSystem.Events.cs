// SPDX-License-Identifier: MIT
// What the IOMMUs have to complain about, on the console. Called by the loop of the CPU that got an IOMMU's interrupt.

using System;
using XenSharp.Core.Console;
using XenSharp.Edge;

namespace XenSharp.Core.Iommu;

public sealed partial class IommuSystem
{
    private const ulong ReportPeriodNs = 1_000_000_000;
    private const int ReportsPerPeriod = 10, EventsPerCall = 256;

    private ulong _reportPeriodEnd;
    private int _reports;
    private ulong _unreported;
    private ulong _nextOverflowReport;

    /// <summary>Takes what is in the logs; a device that floods its log costs a bounded number of entries at a time and ten lines a second.</summary>
    public void HandleEvents(Cpu caller)
    {
        for (int i = 0; i < _units.Length; i++)
        {
            IommuUnit unit = _units[i];
            for (int n = 0; n < EventsPerCall; n++)
            {
                if (!TryTakeEvent(unit, caller, out IommuEvent taken))
                    break;
                if (MayReport(caller))
                    Report(in taken, caller);
            }

            bool overflown;
            using (SpinLock.Guard guard = _lock.Enter(caller))
                overflown = unit.EndEvents();
            if (!overflown || _host.Clock.Now < _nextOverflowReport)
                continue;
            _nextOverflowReport = _host.Clock.Now + ReportPeriodNs;
            _host.Console.Begin(LogLevel.Error, caller).Text("AMD-Vi: IOMMU "u8).Decimal(i).Text(" event log overflow; events are lost"u8).End();
        }
    }

    private bool TryTakeEvent(IommuUnit unit, Cpu caller, out IommuEvent taken)
    {
        using SpinLock.Guard guard = _lock.Enter(caller);
        return unit.TryTakeEvent(out taken);
    }

    private bool MayReport(Cpu caller)
    {
        ulong now = _host.Clock.Now;
        if (now >= _reportPeriodEnd)
        {
            if (_unreported != 0)
                _host.Console.Begin(LogLevel.Error, caller).Text("AMD-Vi: "u8).Decimal(_unreported).Text(" more events were not shown"u8).End();
            _unreported = 0;
            _reports = 0;
            _reportPeriodEnd = now + ReportPeriodNs;
        }

        if (_reports == ReportsPerPeriod)
        {
            _unreported++;
            return false;
        }

        _reports++;
        return true;
    }

    // In Xen's form (parse_event_log_entry), which names the domain by its own number.
    private void Report(in IommuEvent taken, Cpu caller)
    {
        LogLine line = _host.Console.Begin(LogLevel.Error, caller);
        if (taken.Code != IommuEvent.PageFault)
        {
            line.Text("AMD-Vi: "u8).Text(Name(taken.Code)).Text(" "u8).Hex((uint)taken.Low, 8).Text(" "u8).Hex(taken.Low >> 32, 8)
                .Text(" "u8).Hex((uint)taken.High, 8).Text(" "u8).Hex(taken.High >> 32, 8).End();
            return;
        }

        uint flags = taken.Flags;
        int bus = taken.DeviceId >> 8, device = (taken.DeviceId >> 3) & 31, function = taken.DeviceId & 7;
        line.Text("AMD-Vi: IO_PAGE_FAULT: 0000:"u8).Hex((ulong)bus, 2).Text(":"u8).Hex((ulong)device, 2).Text("."u8).Decimal(function);
        if (taken.DomainId == 0)
            line.Text(" no domain"u8);
        else
            line.Text(" d"u8).Decimal(taken.DomainId - 1);
        line.Text(" addr "u8).Hex(taken.Address, 16).Text(" flags 0x"u8).Hex(flags);
        for (int bit = 8; bit >= 0; bit--)
        {
            if ((flags >> bit & 1) != 0)
                line.Text(FlagName(bit));
        }

        line.End();
    }

    private static ReadOnlySpan<byte> Name(int code) => code switch
    {
        1 => "ILLEGAL_DEV_TABLE_ENTRY"u8,
        3 => "DEV_TABLE_HW_ERROR"u8,
        4 => "PAGE_TABLE_HW_ERROR"u8,
        5 => "ILLEGAL_COMMAND_ERROR"u8,
        6 => "COMMAND_HW_ERROR"u8,
        7 => "IOTLB_INV_TIMEOUT"u8,
        8 => "INVALID_DEV_REQUEST"u8,
        _ => "event"u8,
    };

    private static ReadOnlySpan<byte> FlagName(int bit) => bit switch
    {
        8 => " TR"u8,
        7 => " RZ"u8,
        6 => " PE"u8,
        5 => " RW"u8,
        4 => " PR"u8,
        3 => " I"u8,
        2 => " US"u8,
        1 => " NX"u8,
        _ => " GN"u8,
    };
}
