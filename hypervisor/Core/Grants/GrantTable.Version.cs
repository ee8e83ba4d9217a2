// SPDX-License-Identifier: MIT
// GNTTABOP_set_version: changing the layout of the table while the toolstack's reserved entries stay.

using System;
using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Hypercalls;
using XenSharp.Edge;

namespace XenSharp.Core.Grants;

public sealed partial class GrantTable
{
    private const int Reserved = (int)GrantTableLimits.ReservedEntryCount;
    private const uint AccessBits = (uint)(GrantEntryFlags.Reading | GrantEntryFlags.Writing);

    /// <summary>Changes the version; every entry but the first eight is cleared.</summary>
    public long SetVersion(uint version, Processor caller)
    {
        if (version is not (1 or 2))
            return HypercallError.EINVAL;
        if (version > MaxVersion)
            return HypercallError.ENOSYS;
        if (version == Version)
            return 0;
        using SpinLock.Guard guard = Lock.Enter(caller);
        if (!Grow(1))
            return HypercallError.ENOMEM;
        if (IsInUseBeyondReserved(out bool isPartInUse))
            return HypercallError.EBUSY;
        if (isPartInUse)
            return HypercallError.EAGAIN;
        return version == 2 ? ToVersion2() : ToVersion1();
    }

    private long ToVersion2()
    {
        if (!GrowStatus(StatusFramesFor(FrameCount)))
            return HypercallError.ENOMEM;
        PhysicalMemory memory = Domain.Host.Memory;
        Span<ulong> saved = stackalloc ulong[Reserved];
        for (int i = 0; i < Reserved; i++)
            saved[i] = memory.Read64(_shared[0], i * 8);
        ClearShared(memory);
        for (int i = 0; i < Reserved; i++)
        {
            uint header = (uint)saved[i];
            memory.Write32(_shared[0], i * 16, header & ~AccessBits);
            memory.Write64(_shared[0], (i * 16) + 8, saved[i] >> 32);
            WriteStatus(memory, i, (ushort)(header & AccessBits));
        }

        Version = 2;
        return 0;
    }

    private long ToVersion1()
    {
        PhysicalMemory memory = Domain.Host.Memory;
        Span<ulong> saved = stackalloc ulong[Reserved];
        for (int i = 0; i < Reserved; i++)
        {
            uint header = memory.Read32(_shared[0], i * 16);
            ulong frame = memory.Read64(_shared[0], (i * 16) + 8);
            var type = (GrantEntryFlags)(header & (uint)GrantEntryFlags.TypeMask);
            if (type == GrantEntryFlags.Transitive || (type == GrantEntryFlags.PermitAccess && frame >> 32 != 0))
                return HypercallError.ERANGE;
            saved[i] = type == GrantEntryFlags.PermitAccess ? header | ReadStatus(memory, i) | (frame << 32) : 0;
        }

        for (uint i = 0; i < StatusFrameCount; i++)
        {
            if (_statusGfns[(int)i] != Domain.NoFrame)
            {
                if (!Domain.P2m.Remove(new Gfn(_statusGfns[(int)i])))
                    return HypercallError.ENOMEM;
                _statusGfns[(int)i] = Domain.NoFrame;
            }
        }

        Domain.P2m.Flush();
        while (StatusFrameCount > 0)
            Domain.Memory.Free(_status[(int)--StatusFrameCount]);
        ClearShared(memory);
        for (int i = 0; i < Reserved; i++)
            memory.Write64(_shared[0], i * 8, saved[i]);
        Version = 1;
        return 0;
    }

    private void ClearShared(PhysicalMemory memory)
    {
        for (uint i = 0; i < FrameCount; i++)
            memory.Clear(_shared[(int)i]);
    }

    private void WriteStatus(PhysicalMemory memory, int entry, ushort value)
    {
        memory.Write8(_status[0], entry * 2, (byte)value);
        memory.Write8(_status[0], (entry * 2) + 1, (byte)(value >> 8));
    }

    private uint ReadStatus(PhysicalMemory memory, int entry) =>
        memory.Read8(_status[0], entry * 2) | ((uint)memory.Read8(_status[0], (entry * 2) + 1) << 8);

    // The toolstack's entries may be in use, as its daemons keep them mapped; but not as what only version 2 has.
    private bool IsInUseBeyondReserved(out bool isPartInUse)
    {
        uint reservedInUse = 0;
        isPartInUse = false;
        for (int i = 0; i < Reserved; i++)
        {
            ActiveGrant active = _active[i];
            if (active.Pins == 0)
                continue;
            reservedInUse++;
            isPartInUse |= active.IsSubPage != 0;
        }

        return ActiveCount != reservedInUse;
    }
}
