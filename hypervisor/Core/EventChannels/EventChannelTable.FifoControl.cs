// SPDX-License-Identifier: MIT
// Setting up and giving up the FIFO format (EVTCHNOP_init_control, expand_array, set_priority, reset).

using System.Threading;
using XenSharp.Abi;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.EventChannels;

public sealed partial class EventChannelTable
{
    private const int ControlBlockSize = 72;

    /// <summary>Gives a vCPU its control block; the first one switches the domain to the FIFO format.</summary>
    public long InitControl(uint vcpuId, ulong gfn, uint offset, Cpu caller)
    {
        Vcpu? vcpu = Domain.FindVcpu(vcpuId);
        if (vcpu == null)
            return -(long)Errno.NoEnt;
        if (offset > FrameSize.Bytes - ControlBlockSize || (offset & 7) != 0)
            return -(long)Errno.Inval;
        if (!GuestFrame.TryReference(Domain, gfn, caller, out Mfn frame))
            return -(long)Errno.Inval;

        using (Lock.Enter(caller))
        {
            if (!vcpu.Fifo.ControlBlock.IsMapped)
            {
                if (!_isFifo)
                    KeepPendingEvents();
                using (vcpu.Fifo.Lock.Enter(caller))
                    vcpu.Fifo.ControlBlock = new GuestArea(frame, (int)offset);
                Volatile.Write(ref _isFifo, true);
                return 0;
            }
        }

        FrameReferences.Drop(Domain.Host, frame, caller);
        return -(long)Errno.Inval;
    }

    // What is pending in the 2-level bitmap is raised again when the array reaches the port.
    private void KeepPendingEvents()
    {
        uint ports = ValidPorts < TwoLevelLimit ? ValidPorts : TwoLevelLimit;
        for (uint port = 1; port < ports; port++)
        {
            ref EventChannel channel = ref _ports[(int)port];
            if (IsPendingTwoLevel(port))
                channel.PendingWithoutWord = 1;
            channel.Priority = EventChannelLimits.FifoPriorityDefault;
        }
    }

    /// <summary>Adds a page of event words.</summary>
    public long ExpandArray(ulong gfn, Cpu caller)
    {
        bool referenced = GuestFrame.TryReference(Domain, gfn, caller, out Mfn frame);
        long result;
        uint first;
        using (Lock.Enter(caller))
        {
            first = _arrayPorts;
            result = !_isFifo ? -(long)Errno.OpNotSupp
                : first >= EventChannelLimits.FifoChannelCount ? -(long)Errno.NoSpace
                : !referenced ? -(long)Errno.Inval
                : 0;
            if (result == 0)
            {
                _array[(int)(first / WordsPerPage)] = frame.Value;
                Volatile.Write(ref _arrayPorts, first + WordsPerPage);
                Memory.Barrier();
                RaiseKeptEvents(first, caller);
                return 0;
            }
        }

        if (referenced)
            FrameReferences.Drop(Domain.Host, frame, caller);
        return result;
    }

    private void RaiseKeptEvents(uint first, Cpu caller)
    {
        for (uint port = first; port < first + WordsPerPage && port < ValidPorts; port++)
        {
            ref EventChannel channel = ref _ports[(int)port];
            if (Volatile.Read(in channel.PendingWithoutWord) == 0)
                continue;
            channel.PendingWithoutWord = 0;
            RaisePort(port, channel.Binding.Vcpu, caller);
        }
    }

    /// <summary>EVTCHNOP_set_priority: from the next event on; what is linked stays where it is.</summary>
    public long SetPriority(uint port, uint priority)
    {
        if (port >= ValidPorts)
            return -(long)Errno.Inval;
        if (!IsFifo)
            return -(long)Errno.NoSys;
        ref EventChannel channel = ref _ports[(int)port];
        if (!channel.Binding.IsUsable)
            return -(long)Errno.Access;
        if (priority > EventChannelLimits.FifoPriorityMin)
            return -(long)Errno.Inval;
        Volatile.Write(ref channel.Priority, priority);
        return 0;
    }

    /// <summary>
    /// Back to the 2-level format, all frames given back. The event lock is held. Passing through every vCPU's queue lock waits for
    /// senders that still use the array; later ones see that the format has changed.
    /// </summary>
    private void DestroyFifo(Cpu caller)
    {
        Volatile.Write(ref _isFifo, false);
        uint ports = _arrayPorts;
        Volatile.Write(ref _arrayPorts, 0);
        for (int id = 0; id < Domain.Vcpus.Length; id++)
        {
            Vcpu? vcpu = Domain.Vcpus[id];
            if (vcpu == null)
                continue;
            GuestArea control;
            using (vcpu.Fifo.Lock.Enter(caller))
            {
                control = vcpu.Fifo.ControlBlock;
                vcpu.Fifo.Clear();
            }

            if (control.IsMapped)
                FrameReferences.Drop(Domain.Host, control.Frame, caller);
        }

        for (int page = 0; page < (int)(ports / WordsPerPage); page++)
        {
            FrameReferences.Drop(Domain.Host, new Mfn(_array[page]), caller);
            _array[page] = 0;
        }
    }
}
