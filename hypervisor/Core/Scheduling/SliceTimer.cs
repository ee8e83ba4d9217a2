// SPDX-License-Identifier: MIT
// The end of a time slice.

using System;
using XenSharp.Core.Time;
using XenSharp.Edge;

namespace XenSharp.Core.Scheduling;

/// <summary>Makes its CPU choose again; armed by the scheduler while other vCPUs wait.</summary>
public sealed class SliceTimer : Timer
{
    public override ReadOnlySpan<byte> Name => "s_timer_fn"u8;

    public override void Expire(Cpu processor) => processor.Raise(PendingWork.Reschedule);
}
