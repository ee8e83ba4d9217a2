// SPDX-License-Identifier: MIT
// Inline arrays of structures, for the arrays inside the structures of this folder.

using System.Runtime.CompilerServices;

namespace XenSharp.Abi;

[InlineArray(11)]
public struct BlkifRequestSegmentArray11
{
    private BlkifRequestSegment element;
}

[InlineArray(511)]
public struct BufferedIoRequestArray511
{
    private BufferedIoRequest element;
}

[InlineArray(3)]
public struct HvmHwHpetTimerArray3
{
    private HvmHwHpetTimer element;
}

[InlineArray(3)]
public struct HvmHwPitChannelArray3
{
    private HvmHwPitChannel element;
}

[InlineArray(8)]
public struct McInfoMsrArray8
{
    private McInfoMsr element;
}

[InlineArray(32)]
public struct McInfoMsrArray32
{
    private McInfoMsr element;
}

[InlineArray(64)]
public struct SysctlArinc653ScheduleEntryArray64
{
    private SysctlArinc653ScheduleEntry element;
}

[InlineArray(256)]
public struct TrapInfoArray256
{
    private TrapInfo element;
}

[InlineArray(32)]
public struct VcpuInfoArray32
{
    private VcpuInfo element;
}

/// <summary>xen_domain_handle_t: the UUID of a domain, in the byte order of its text form.</summary>
[InlineArray(16)]
public struct DomainHandle
{
    private byte element;
}
