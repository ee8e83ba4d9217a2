// SPDX-License-Identifier: MIT
// The end of a time slice.

using XenSharp.Core.Time;
using XenSharp.Edge;

namespace XenSharp.Core.Scheduling;

/// <summary>Makes its CPU choose again; armed by the scheduler while other vCPUs wait.</summary>
public sealed class SliceTimer : Timer
{
    public override void Expire(Cpu processor) => processor.Raise(PendingWork.Reschedule);
}
