// SPDX-License-Identifier: MIT
// An IOMMU's event log: faults of devices, and errors in its tables (specification 48882, 2.5). Called by IommuSystem under its lock.

using XenSharp.Edge;

namespace XenSharp.Core.Iommu;

/// <summary>One entry of the log as it was written.</summary>
public readonly struct IommuEvent(ulong low, ulong high)
{
    public const int PageFault = 2;

    public ulong Low { get; } = low;

    public ulong High { get; } = high;

    public int Code => (int)(Low >> 60);

    /// <summary>Bus, device and function that made the request.</summary>
    public ushort DeviceId => (ushort)Low;

    public ushort DomainId => (ushort)(Low >> 32);

    public uint Flags => (uint)(Low >> 48) & 0xfff;

    public ulong Address => High;
}

public sealed partial class IommuUnit
{
    public const int EventPages = 16;

    private const ulong EventLength = 12;
    private const int EventBytes = 16, EventCapacity = 1 << (int)EventLength;
    private const ulong OverflowStatus = 1, InterruptStatus = 2, RunningStatus = 8, ClearableStatus = 0x67;

    private int _eventHead;

    /// <summary>
    /// Takes the oldest event off the log. An entry counts as written when it is not 0, whatever the tail register says: it may run ahead
    /// of the entries, and QEMU's does not move.
    /// </summary>
    public bool TryTakeEvent(out IommuEvent taken)
    {
        Mfn page = _events + (ulong)(_eventHead >> FrameSize.Shift);
        int offset = _eventHead & (int)FrameSize.Mask;
        taken = new IommuEvent(_host.Memory.Read64(page, offset), _host.Memory.Read64(page, offset + 8));
        if (taken.Code == 0)
            return false;
        _host.Memory.Write64(page, offset, 0);
        _host.Memory.Write64(page, offset + 8, 0);
        _eventHead = (_eventHead + EventBytes) & ((EventCapacity * EventBytes) - 1);
        return true;
    }

    /// <summary>Tells the IOMMU what was taken, and starts a log anew that has overflowed; true in that case.</summary>
    public bool EndEvents()
    {
        _registers.Write64(EventHead, (ulong)_eventHead);
        ulong status = _registers.Read64(Status);
        bool overflown = (status & OverflowStatus) != 0;
        if (overflown)
        {
            ulong control = _registers.Read64(Control);
            _registers.Write64(Control, control & ~EventLogEnable);
            for (int spin = 0; spin < 1_000_000 && (_registers.Read64(Status) & RunningStatus) != 0; spin++)
                _host.Memory.Barrier();
            RestartEvents();
            _registers.Write64(Control, control);
        }
        else
        {
            _registers.Write64(Status, status & InterruptStatus);
        }

        return overflown;
    }

    private void RestartEvents()
    {
        for (int i = 0; i < EventPages; i++)
            _host.Memory.Clear(_events + (ulong)i);
        _eventHead = 0;
        _registers.Write64(EventBase, _events.Address | (EventLength << LengthShift));
        _registers.Write64(EventHead, 0);
        _registers.Write64(EventTail, 0);
        _registers.Write64(Status, ClearableStatus);
    }
}
