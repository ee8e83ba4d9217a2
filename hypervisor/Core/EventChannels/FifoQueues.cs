// SPDX-License-Identifier: MIT
// A vCPU's side of the FIFO format: its control block and the tails of its sixteen queues.

using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.EventChannels;

/// <summary>One per vCPU. <see cref="Lock"/> guards the queues; with those of two vCPUs the lower vCPU's lock is taken first.</summary>
internal sealed class FifoQueues
{
    public const int Count = 16;

    private readonly uint[] _tails = new uint[Count];

    public SpinLock Lock { get; } = new(LockScope.Domain);

    /// <summary>Struct evtchn_fifo_control_block; unmapped until EVTCHNOP_init_control.</summary>
    public GuestArea ControlBlock { get; set; }

    /// <summary>The port linked last on the queue; 0: none.</summary>
    public ref uint Tail(uint priority) => ref _tails[(int)priority];

    public void Clear()
    {
        ControlBlock = default;
        for (int i = 0; i < Count; i++)
            _tails[i] = 0;
    }
}
