// SPDX-License-Identifier: MIT
// Delivery in the FIFO format: one word per event in the guest's event array, linked into a queue per vCPU and priority
// (xen/include/public/event_channel.h, "FIFO ABI"; behaviour: xen/common/event_fifo.c of Xen 4.17).

using System.Threading;
using XenSharp.Abi;
using XenSharp.Core.Console;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.EventChannels;

public sealed partial class EventChannelTable
{
    private const int WordsPerPage = FrameSize.Bytes / 4;
    private const int ArrayPages = (int)EventChannelLimits.FifoChannelCount / WordsPerPage;
    internal const int PendingBit = 31, MaskedBit = 30, LinkedBit = 29, BusyBit = 28;
    internal const uint LinkMask = 0x1ffff;

    // Frames of the event array; each is referenced while it stands here. Changed under the event lock, read under a queue lock.
    private readonly ulong[] _array = new ulong[ArrayPages];
    private uint _arrayPorts;
    private bool _isFifo;

    /// <summary>The guest has switched to the FIFO format.</summary>
    public bool IsFifo => Volatile.Read(in _isFifo);

    /// <summary>
    /// Makes the port pending, links it if it is neither masked nor linked, and notifies. False when the guest went back to the 2-level
    /// format meanwhile.
    /// </summary>
    private bool RaiseFifo(Vcpu vcpu, ref EventChannel channel, uint port, Cpu caller)
    {
        FifoQueues queues = vcpu.Fifo;
        Vcpu? old = LockQueues(vcpu, ref channel, caller);
        if (old == null)
            return true;

        bool notify = false;
        bool becamePending = false;
        uint priority = channel.Priority & (FifoQueues.Count - 1);
        if (!_isFifo)
        {
            UnlockQueues(vcpu, old, caller);
            return false;
        }

        if (!HasWord(ref channel, port))
        {
            UnlockQueues(vcpu, old, caller);
            return true;
        }

        GuestArea control = queues.ControlBlock;
        if (control.IsMapped)
        {
            WordOf(port, out Mfn frame, out int bit);
            becamePending = !Memory.TestAndSetBit(frame, bit + PendingBit);
            if (!Memory.TestBit(frame, bit + MaskedBit) && !Memory.TestAndSetBit(frame, bit + LinkedBit) &&
                !Link(vcpu, old, ref channel, port, priority, control))
                notify = !Memory.TestAndSetBit(control.Frame, (control.Offset * 8) + (int)priority);
        }

        UnlockQueues(vcpu, old, caller);
        if (!control.IsMapped)
        {
            // The guest must not unmask an event before it has given the control block, so the event can be dropped.
            Domain.Host.Console.Begin(LogLevel.Debug, caller).Text("d"u8).Decimal((uint)Domain.Id).Text("v"u8).Decimal(vcpu.Id)
                .Text(" has no FIFO event channel control block"u8).End();
            return true;
        }

        if (notify)
            vcpu.MarkEventsPending(caller);
        if (becamePending)
            WakePollers(port, caller);
        return true;
    }

    // Puts the event at the end of its queue. True when it was appended to a non-empty queue, whose reader needs no notification.
    private bool Link(Vcpu vcpu, Vcpu old, ref EventChannel channel, uint port, uint priority, GuestArea control)
    {
        uint oldQueue = channel.LastQueue;
        uint oldPriority = oldQueue & 0xff;

        // If this event was the tail of its old queue, that queue is empty now and must not be appended to.
        ref uint oldTail = ref old.Fifo.Tail(oldPriority);
        if (oldTail == port)
            oldTail = 0;
        channel.LastQueue = (vcpu.Id << 8) | priority;

        ref uint tail = ref vcpu.Fifo.Tail(priority);
        bool linked = tail != 0 && SetLink(tail, port);
        if (!linked)
            Memory.Write32(control.Frame, control.Offset + 8 + ((int)priority * 4), port);
        tail = port;
        return linked;
    }

    /// <summary>
    /// Stores the successor into the tail's word if the guest still has it linked. The guest may change the word meanwhile, but only in
    /// ways that let the exchange fail at most four times once BUSY forbids it to unmask; one that goes on regardless loses its queue.
    /// </summary>
    private bool SetLink(uint tail, uint next)
    {
        if (tail >= _arrayPorts)
            return false;
        WordOf(tail, out Mfn frame, out int bit);
        int offset = bit / 8;
        uint word = Memory.Read32(frame, offset);
        if ((word & (1u << LinkedBit)) == 0)
            return false;
        if (TryExchangeLink(frame, offset, ref word, next))
            return true;

        Memory.TestAndSetBit(frame, bit + BusyBit);
        word = Memory.Read32(frame, offset);
        for (int attempt = 0; attempt < 4; attempt++)
        {
            if ((word & (1u << LinkedBit)) == 0)
            {
                Memory.TestAndClearBit(frame, bit + BusyBit);
                return false;
            }

            if (TryExchangeLink(frame, offset, ref word, next))
                return true;
        }

        Memory.TestAndClearBit(frame, bit + BusyBit);
        return true;
    }

    private bool TryExchangeLink(Mfn frame, int offset, ref uint word, uint next)
    {
        uint old = word;
        uint updated = (old & ~((1u << BusyBit) | LinkMask)) | next;
        word = Memory.CompareExchange32(frame, offset, updated, old);
        return word == old;
    }

    private void UnmaskFifo(Vcpu vcpu, ref EventChannel channel, uint port, Cpu caller)
    {
        vcpu.Fifo.Lock.Enter(caller);
        bool pending = false;
        if (_isFifo && port < _arrayPorts)
        {
            WordOf(port, out Mfn frame, out int bit);
            Memory.TestAndClearBit(frame, bit + MaskedBit);
            pending = Memory.TestBit(frame, bit + PendingBit);
        }

        vcpu.Fifo.Lock.Exit(caller.Held);
        if (pending)
            RaiseFifo(vcpu, ref channel, port, caller);
    }

    // The event lock is held: the array stays.
    private void ClearPendingFifo(uint port)
    {
        if (port >= _arrayPorts)
            return;
        WordOf(port, out Mfn frame, out int bit);
        Memory.TestAndClearBit(frame, bit + PendingBit);
    }

    private bool IsPendingFifo(uint port) => TestWordBit(port, PendingBit);

    private bool IsMaskedFifo(uint port) => port >= Volatile.Read(in _arrayPorts) || TestWordBit(port, MaskedBit);

    private bool TestWordBit(uint port, int bit)
    {
        if (port >= Volatile.Read(in _arrayPorts))
            return false;
        WordOf(port, out Mfn frame, out int first);
        return Memory.TestBit(frame, first + bit);
    }

    /// <summary>The whole word, for the debug key; false when the array does not reach that far.</summary>
    internal bool TryReadWord(uint port, out uint word)
    {
        word = 0;
        if (port >= Volatile.Read(in _arrayPorts))
            return false;
        WordOf(port, out Mfn frame, out int bit);
        word = Memory.Read32(frame, bit / 8);
        return true;
    }

    // A port beyond the array keeps its event in the record until EVTCHNOP_expand_array. The second look is for an array that grew between.
    private bool HasWord(ref EventChannel channel, uint port)
    {
        if (port < Volatile.Read(in _arrayPorts))
            return true;
        Volatile.Write(ref channel.PendingWithoutWord, 1);
        Memory.Barrier();
        return port < Volatile.Read(in _arrayPorts);
    }

    private void WordOf(uint port, out Mfn frame, out int firstBit)
    {
        frame = new Mfn(_array[(int)(port / WordsPerPage)]);
        firstBit = (int)(port % WordsPerPage) * 32;
    }

    /// <summary>
    /// Locks the queues of the vCPU to be notified and of the one on whose queue the event was last: the latter can change until its lock
    /// is held. Null when it kept changing; the event is lost then, as in Xen.
    /// </summary>
    private Vcpu? LockQueues(Vcpu vcpu, ref EventChannel channel, Cpu caller)
    {
        for (int attempt = 0; attempt < 3; attempt++)
        {
            uint last = Volatile.Read(in channel.LastQueue);
            Vcpu old = Domain.FindVcpu(last >> 8) ?? vcpu;
            if (old == vcpu)
            {
                vcpu.Fifo.Lock.Enter(caller);
            }
            else
            {
                (old.Id < vcpu.Id ? old : vcpu).Fifo.Lock.Enter(caller);
                (old.Id < vcpu.Id ? vcpu : old).Fifo.Lock.Enter(caller);
            }

            if (Volatile.Read(in channel.LastQueue) == last)
                return old;
            UnlockQueues(vcpu, old, caller);
        }

        Domain.Host.Console.Begin(LogLevel.Warning, caller).Text("d"u8).Decimal((uint)Domain.Id)
            .Text(" lost an event: its queue kept changing"u8).End();
        return null;
    }

    private static void UnlockQueues(Vcpu vcpu, Vcpu old, Cpu caller)
    {
        if (old != vcpu)
            old.Fifo.Lock.Exit(caller.Held);
        vcpu.Fifo.Lock.Exit(caller.Held);
    }
}
