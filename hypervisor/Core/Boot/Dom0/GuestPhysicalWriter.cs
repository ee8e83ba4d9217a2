// SPDX-License-Identifier: MIT
// Filling a new domain's memory before it runs.

using System;
using XenSharp.Core.Domains;
using XenSharp.Edge;

namespace XenSharp.Core.Boot.Dom0;

/// <summary>Writes by guest-physical address; false where the domain has no memory.</summary>
public readonly struct GuestPhysicalWriter(Domain domain)
{
    public bool Write(ulong address, ReadOnlySpan<byte> data)
    {
        while (data.Length > 0)
        {
            if (!Find(address, out Mfn frame))
                return false;
            int offset = (int)(address & FrameSize.Mask);
            int count = Math.Min(data.Length, FrameSize.Bytes - offset);
            domain.Host.Memory.Write(frame, offset, data.Slice(0, count));
            data = data.Slice(count);
            address += (ulong)count;
        }

        return true;
    }

    public bool Clear(ulong address, ulong length)
    {
        Span<byte> zeros = stackalloc byte[512];
        while (length > 0)
        {
            if ((address & FrameSize.Mask) == 0 && length >= FrameSize.Bytes)
            {
                if (!Find(address, out Mfn frame))
                    return false;
                domain.Host.Memory.Clear(frame);
                address += FrameSize.Bytes;
                length -= FrameSize.Bytes;
                continue;
            }

            int count = (int)Math.Min(Math.Min(length, 512), FrameSize.Bytes - (address & FrameSize.Mask));
            if (!Write(address, zeros.Slice(0, count)))
                return false;
            address += (ulong)count;
            length -= (ulong)count;
        }

        return true;
    }

    private bool Find(ulong address, out Mfn frame)
    {
        P2mEntry entry = domain.P2m.Lookup(Gfn.Containing(address));
        frame = entry.Frame;
        return entry.Type == P2mType.Ram;
    }
}
