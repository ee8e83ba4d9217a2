// SPDX-License-Identifier: MIT
// Firmware tables wherever they lie.

using System;
using XenSharp.Edge;
using XenSharp.X64.Paging;

namespace XenSharp.X64.Boot;

// SAFETY: every page of the range is mapped in the direct map before the span is made.
internal sealed unsafe class MappedFirmware : FirmwareMemory
{
    public override ReadOnlySpan<byte> Map(ulong address, int length)
    {
        HostPageTables.MapDirect(address & ~FrameSize.Mask, (address + (ulong)length + FrameSize.Mask) & ~FrameSize.Mask);
        return new ReadOnlySpan<byte>(DirectMap.At(address), length);
    }
}
