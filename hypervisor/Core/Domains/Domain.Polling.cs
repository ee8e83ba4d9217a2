// SPDX-License-Identifier: MIT
// Which vCPUs of a domain wait in SCHEDOP_poll (d->poll_mask of Xen). Event channels look here after they have marked a port pending.

using System.Numerics;
using System.Threading;
using XenSharp.Core.Vcpus;

namespace XenSharp.Core.Domains;

public sealed partial class Domain
{
    private ulong _pollersLow;
    private ulong _pollersHigh;

    /// <summary>Some vCPU is polling.</summary>
    public bool HasPollers => (Volatile.Read(ref _pollersLow) | Volatile.Read(ref _pollersHigh)) != 0;

    public bool IsPolling(Vcpu vcpu) =>
        ((vcpu.Id < 64 ? Volatile.Read(ref _pollersLow) : Volatile.Read(ref _pollersHigh)) & PollBit(vcpu)) != 0;

    /// <summary>Wakes the vCPUs that poll for <paramref name="port"/> or for several ports (evtchn_check_pollers). Call after the port is pending.</summary>
    public void WakePollers(uint port, Cpu caller)
    {
        WakePollers(Volatile.Read(ref _pollersLow), 0, port, caller);
        WakePollers(Volatile.Read(ref _pollersHigh), 64, port, caller);
    }

    internal void StartPolling(Vcpu vcpu) => Interlocked.Or(ref vcpu.Id < 64 ? ref _pollersLow : ref _pollersHigh, PollBit(vcpu));

    /// <summary>True when the vCPU was polling: the caller has ended that, and wakes it.</summary>
    internal bool StopPolling(Vcpu vcpu)
    {
        ulong bit = PollBit(vcpu);
        return (Interlocked.And(ref vcpu.Id < 64 ? ref _pollersLow : ref _pollersHigh, ~bit) & bit) != 0;
    }

    private static ulong PollBit(Vcpu vcpu) => 1UL << (int)(vcpu.Id & 63);

    private void WakePollers(ulong pollers, int first, uint port, Cpu caller)
    {
        for (; pollers != 0; pollers &= pollers - 1)
        {
            Vcpu? vcpu = FindVcpu((uint)(first + BitOperations.TrailingZeroCount(pollers)));
            if (vcpu != null && (vcpu.PollPort <= 0 || vcpu.PollPort == port) && StopPolling(vcpu))
            {
                vcpu.PollPort = 0;
                Host.Scheduler.Wake(vcpu, caller);
            }
        }
    }
}
