// SPDX-License-Identifier: MIT
// The emulated local APIC of one vCPU: its interrupt requests and their priorities. Registers, timer and ICR are in the other parts.
//
// Post and PostLevel run on any CPU; everything else runs on the CPU that serves the vCPU. There is no lock: the request and
// trigger-mode registers are changed by atomic operations, all else belongs to the vCPU.

using System;
using System.Numerics;
using System.Threading;

namespace XenSharp.Devices.Apic;

/// <summary>A local APIC with xAPIC (memory-mapped) and x2APIC (MSR) interfaces (AMD APM vol. 2, chapter 16).</summary>
public sealed partial class LocalApic
{
    /// <summary>Vectors below this are illegal in messages.</summary>
    private const int FirstLegalVector = 16;

    private const int SetWords = 4;

    private readonly LocalApicHost _host;
    private readonly int _vcpuId;

    // 256 bits each, one per vector.
    private readonly ulong[] _requests = new ulong[SetWords];
    private readonly ulong[] _inService = new ulong[SetWords];
    private readonly ulong[] _triggerModes = new ulong[SetWords];

    // Bit n set: word n of _requests may be non-zero; clear: it is zero. Lets the idle case end after one load.
    private uint _requestWords;

    // In _requestWords, beside the four words' bits: an NMI is pending.
    private const uint NmiBit = 1U << 31, WordBits = 15;

    // The highest vector that cannot be delivered now; 255 while the APIC is disabled.
    private int _threshold = 255;
    private int _highestInService = -1;

    public LocalApic(int vcpuId, LocalApicHost host)
    {
        _vcpuId = vcpuId;
        _host = host;
        ResetBase();
        Reset();
    }

    /// <summary>x2APIC id; the xAPIC id is its low byte.</summary>
    public uint Id => (uint)_vcpuId * 2;

    /// <summary>Globally and software enabled: fixed interrupts are accepted.</summary>
    public bool IsEnabled => _isSoftwareEnabled && IsHardwareEnabled;

    /// <summary>An NMI waits for the port to inject it.</summary>
    public bool HasNmi => (Volatile.Read(ref _requestWords) & NmiBit) != 0;

    /// <summary>Something is requested, deliverable or not: the port has to look closer before it enters the guest.</summary>
    public bool HasRequests => Volatile.Read(ref _requestWords) != 0;

    /// <summary>
    /// Requests an edge-triggered interrupt. The caller then wakes the vCPU (Scheduler.Wake), unless false is returned: it was
    /// requested before and not yet taken. A disabled APIC keeps the request, as Xen's does.
    /// </summary>
    public bool Post(byte vector)
    {
        int word = vector >> 6;
        ulong bit = 1UL << (vector & 63);
        ref ulong modes = ref _triggerModes[word];
        if ((Volatile.Read(ref modes) & bit) != 0)
            Interlocked.And(ref modes, ~bit);
        return Request(word, bit, vector);
    }

    /// <summary>Requests a level-triggered interrupt: its end is reported to <see cref="LocalApicHost.EndOfInterrupt"/>.</summary>
    public bool PostLevel(byte vector)
    {
        int word = vector >> 6;
        ulong bit = 1UL << (vector & 63);
        ref ulong modes = ref _triggerModes[word];
        if ((Volatile.Read(ref modes) & bit) == 0)
            Interlocked.Or(ref modes, bit);
        return Request(word, bit, vector);
    }

    /// <summary>Requests an NMI; false when one is pending already. The caller wakes the vCPU.</summary>
    public bool PostNmi() => (Interlocked.Or(ref _requestWords, NmiBit) & NmiBit) == 0;

    /// <summary>Takes the pending NMI for injection.</summary>
    public bool TakeNmi() => (Interlocked.And(ref _requestWords, ~NmiBit) & NmiBit) != 0;

    /// <summary>The vector to inject next given priorities and enables, or -1.</summary>
    public int HighestPending()
    {
        uint words = Volatile.Read(ref _requestWords) & WordBits;
        if (words == 0)
            return -1;
        int vector = HighestRequest(words);
        return vector > _threshold ? vector : -1;
    }

    /// <summary>Moves a vector that <see cref="HighestPending"/> gave from requested to in service: it is being injected.</summary>
    public void Accept(int vector)
    {
        int word = (vector >> 6) & 3;
        ulong bit = 1UL << (vector & 63);
        ref ulong requests = ref _requests[word];
        Interlocked.And(ref requests, ~bit);
        if (Volatile.Read(ref requests) == 0)
        {
            // A request between the two steps finds the summary bit set or sets it again; one before the first is seen by the second look.
            Interlocked.And(ref _requestWords, ~(1U << word));
            if (Volatile.Read(ref requests) != 0)
                Interlocked.Or(ref _requestWords, 1U << word);
        }

        _inService[word] |= bit;
        _highestInService = vector;
        UpdateThreshold();
    }

    /// <summary>The guest wrote the EOI register: the highest vector in service is finished.</summary>
    public void EndOfInterrupt()
    {
        int vector = _highestInService;
        if (vector < 0)
            return;
        int word = (vector >> 6) & 3;
        ulong bit = 1UL << (vector & 63);
        _inService[word] &= ~bit;
        _highestInService = HighestInService();
        UpdateThreshold();
        if ((Volatile.Read(ref _triggerModes[word]) & bit) != 0)
            _host.EndOfInterrupt((byte)vector);
    }

    /// <summary>The priority below which nothing is delivered (PPR).</summary>
    public uint ProcessorPriority
    {
        get
        {
            uint inService = _highestInService < 0 ? 0 : (uint)_highestInService & 0xf0;
            return (_taskPriority & 0xf0) >= inService ? _taskPriority : inService;
        }
    }

    /// <summary>TPR; the port copies CR8 (V_TPR) in and out where the CPU keeps it.</summary>
    public byte TaskPriority
    {
        get => (byte)_taskPriority;
        set
        {
            _taskPriority = value;
            UpdateThreshold();
        }
    }

    /// <summary>Whether this APIC is among the receivers of a message from <paramref name="source"/> (null: an I/O APIC).</summary>
    public bool Matches(in ApicMessage message, LocalApic? source)
    {
        switch (message.Shorthand)
        {
            case ApicShorthand.Self:
                return source == this;
            case ApicShorthand.AllIncludingSelf:
                return true;
            case ApicShorthand.AllExcludingSelf:
                return source != this;
        }

        if (!message.IsLogical)
            return message.Destination == (IsX2Apic ? uint.MaxValue : 0xff) || message.Destination == (IsX2Apic ? Id : _xapicId);
        if (IsX2Apic)
            return message.Destination >> 16 == _logicalDestination >> 16 && (message.Destination & _logicalDestination & 0xffff) != 0;
        uint logical = _logicalDestination >> 24;
        if (_destinationFormat >> 28 == 0xf)
            return (logical & message.Destination & 0xff) != 0;
        return _destinationFormat >> 28 == 0 && logical >> 4 == (message.Destination & 0xff) >> 4 && (logical & message.Destination & 0xf) != 0;
    }

    /// <summary>The state after INIT: everything but the mode (IA32_APIC_BASE) and the id.</summary>
    public void Reset()
    {
        for (int i = 0; i < SetWords; i++)
        {
            Volatile.Write(ref _requests[i], 0);
            Volatile.Write(ref _triggerModes[i], 0);
            _inService[i] = 0;
        }

        Volatile.Write(ref _requestWords, 0);
        _highestInService = -1;
        ResetRegisters();
        UpdateThreshold();
    }

    private bool Request(int word, ulong bit, byte vector)
    {
        if (vector < FirstLegalVector)
        {
            RaiseError(ReceivedIllegalVector);
            return false;
        }

        ref ulong requests = ref _requests[word];
        if ((Volatile.Read(ref requests) & bit) != 0)
            return false;
        Interlocked.Or(ref requests, bit);
        uint summary = 1U << word;
        if ((Volatile.Read(ref _requestWords) & summary) == 0)
            Interlocked.Or(ref _requestWords, summary);
        return true;
    }

    private int HighestRequest(uint words)
    {
        while (words != 0)
        {
            int word = BitOperations.Log2(words);
            ulong requests = Volatile.Read(ref _requests[word]);
            if (requests != 0)
                return (word << 6) + BitOperations.Log2(requests);
            words &= ~(1U << word);
        }

        return -1;
    }

    private int HighestInService()
    {
        for (int i = SetWords - 1; i >= 0; i--)
        {
            if (_inService[i] != 0)
                return (i << 6) + BitOperations.Log2(_inService[i]);
        }

        return -1;
    }

    private void UpdateThreshold()
    {
        uint taskPriority = _taskPriority | 15;
        int threshold = Math.Max((int)taskPriority, _highestInService | 15);
        _threshold = !IsEnabled ? 255 : _highestInService < 0 ? (int)taskPriority : threshold;
    }
}
