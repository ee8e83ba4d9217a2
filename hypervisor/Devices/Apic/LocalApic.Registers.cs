// SPDX-License-Identifier: MIT
// Registers of the local APIC, by their offset in the xAPIC page; the x2APIC's MSR numbers are these offsets divided by 16.

using System.Threading;

namespace XenSharp.Devices.Apic;

public sealed partial class LocalApic
{
    /// <summary>Integrated APIC, six local vector table entries.</summary>
    public const uint Version = 0x50014;

    private const int RegisterId = 0x20, RegisterVersion = 0x30, RegisterTaskPriority = 0x80, RegisterProcessorPriority = 0xa0;
    private const int RegisterEndOfInterrupt = 0xb0, RegisterLogicalDestination = 0xd0, RegisterDestinationFormat = 0xe0;
    private const int RegisterSpurious = 0xf0, RegisterInService = 0x100, RegisterTriggerMode = 0x180, RegisterRequests = 0x200;
    private const int RegisterErrorStatus = 0x280, RegisterCommandLow = 0x300, RegisterCommandHigh = 0x310;
    private const int RegisterTimerEntry = 0x320, RegisterThermalEntry = 0x330, RegisterPerformanceEntry = 0x340;
    private const int RegisterLint0Entry = 0x350, RegisterLint1Entry = 0x360, RegisterErrorEntry = 0x370;
    private const int RegisterInitialCount = 0x380, RegisterCurrentCount = 0x390, RegisterDivide = 0x3e0, RegisterSelfInterrupt = 0x3f0;

    private const uint SpuriousEnable = 1 << 8, SpuriousWritable = 0x3ff;
    private const uint EntryMasked = 1 << 16, EntryVector = 0xff;
    private const uint EntryBits = EntryMasked | (1 << 12) | EntryVector;
    private const uint TimerEntryBits = EntryBits | TimerModeMask;
    private const uint ModeEntryBits = EntryBits | 0x700;
    private const uint LintEntryBits = ModeEntryBits | (1 << 13) | (1 << 14) | (1 << 15);

    private const uint SentIllegalVector = 1 << 5, ReceivedIllegalVector = 1 << 6;

    private uint _xapicId;
    private uint _taskPriority;
    private uint _logicalDestination;
    private uint _destinationFormat;
    private uint _spurious;
    private uint _errorStatus;
    private uint _pendingErrors;
    private uint _commandLow;
    private uint _commandHigh;
    private uint _timerEntry;
    private uint _thermalEntry;
    private uint _performanceEntry;
    private uint _lint0Entry;
    private uint _lint1Entry;
    private uint _errorEntry;
    private bool _isSoftwareEnabled;

    /// <summary>An access to the xAPIC page. Only the low 32 bits of each 16 bytes exist; anything else reads 0.</summary>
    public uint ReadMmio(int offset) => (offset & 0xf) == 0 ? ReadRegister(offset) : 0;

    public void WriteMmio(int offset, uint value)
    {
        if ((offset & 0xf) != 0)
            return;
        switch (offset)
        {
            case RegisterId:
                _xapicId = value >> 24;
                break;
            case RegisterLogicalDestination:
                _logicalDestination = value & 0xff00_0000;
                break;
            case RegisterDestinationFormat:
                _destinationFormat = value | 0x0fff_ffff;
                break;
            case RegisterCommandHigh:
                _commandHigh = value & 0xff00_0000;
                break;
            case RegisterSelfInterrupt:
                break;
            default:
                WriteRegister(offset, value);
                break;
        }
    }

    private uint ReadRegister(int offset)
    {
        switch (offset)
        {
            case RegisterId:
                return IsX2Apic ? Id : _xapicId << 24;
            case RegisterVersion:
                return Version;
            case RegisterTaskPriority:
                return _taskPriority;
            case RegisterProcessorPriority:
                return ProcessorPriority;
            case RegisterLogicalDestination:
                return _logicalDestination;
            case RegisterDestinationFormat:
                return _destinationFormat;
            case RegisterSpurious:
                return _spurious;
            case RegisterErrorStatus:
                return _errorStatus;
            case RegisterCommandLow:
                return _commandLow;
            case RegisterCommandHigh:
                return _commandHigh;
            case RegisterTimerEntry:
                return _timerEntry;
            case RegisterThermalEntry:
                return _thermalEntry;
            case RegisterPerformanceEntry:
                return _performanceEntry;
            case RegisterLint0Entry:
                return _lint0Entry;
            case RegisterLint1Entry:
                return _lint1Entry;
            case RegisterErrorEntry:
                return _errorEntry;
            case RegisterInitialCount:
                return _initialCount;
            case RegisterCurrentCount:
                return CurrentCount;
            case RegisterDivide:
                return _divideConfiguration;
            case >= RegisterInService and < RegisterTriggerMode:
                return Half(_inService[(offset - RegisterInService) >> 5], offset);
            case >= RegisterTriggerMode and < RegisterRequests:
                return Half(Volatile.Read(ref _triggerModes[(offset - RegisterTriggerMode) >> 5]), offset);
            case >= RegisterRequests and < RegisterErrorStatus:
                return Half(Volatile.Read(ref _requests[(offset - RegisterRequests) >> 5]), offset);
            default:
                return 0;
        }
    }

    // Registers that both interfaces write in the same way. Unknown offsets are ignored.
    private void WriteRegister(int offset, uint value)
    {
        switch (offset)
        {
            case RegisterTaskPriority:
                TaskPriority = (byte)value;
                break;
            case RegisterEndOfInterrupt:
                EndOfInterrupt();
                break;
            case RegisterSpurious:
                WriteSpurious(value);
                break;
            case RegisterErrorStatus:
                _errorStatus = Interlocked.Exchange(ref _pendingErrors, 0);
                break;
            case RegisterCommandLow:
                WriteCommand(value);
                break;
            case RegisterTimerEntry:
                WriteTimerEntry(Entry(value, TimerEntryBits));
                break;
            case RegisterThermalEntry:
                _thermalEntry = Entry(value, ModeEntryBits);
                break;
            case RegisterPerformanceEntry:
                _performanceEntry = Entry(value, ModeEntryBits);
                break;
            case RegisterLint0Entry:
                _lint0Entry = Entry(value, LintEntryBits);
                break;
            case RegisterLint1Entry:
                _lint1Entry = Entry(value, LintEntryBits);
                break;
            case RegisterErrorEntry:
                _errorEntry = Entry(value, EntryBits);
                break;
            case RegisterInitialCount:
                WriteInitialCount(value);
                break;
            case RegisterDivide:
                WriteDivide(value);
                break;
        }
    }

    private uint Entry(uint value, uint writable) => (value & writable) | (_isSoftwareEnabled ? 0 : EntryMasked);

    private void WriteSpurious(uint value)
    {
        _spurious = value & SpuriousWritable;
        bool enable = (value & SpuriousEnable) != 0;
        _isSoftwareEnabled = enable;
        if (!enable)
        {
            _timerEntry |= EntryMasked;
            _thermalEntry |= EntryMasked;
            _performanceEntry |= EntryMasked;
            _lint0Entry |= EntryMasked;
            _lint1Entry |= EntryMasked;
            _errorEntry |= EntryMasked;
        }

        UpdateThreshold();
        if (enable)
            _host.Enabled();
    }

    private void RaiseError(uint error)
    {
        uint before = Interlocked.Or(ref _pendingErrors, error);
        byte vector = (byte)(_errorEntry & EntryVector);
        if ((before & error) != 0 || (_errorEntry & EntryMasked) != 0 || vector < FirstLegalVector)
            return;
        if (Post(vector))
            _host.Notify();
    }

    private void ResetRegisters()
    {
        _taskPriority = 0;
        _logicalDestination = IsX2Apic ? X2ApicLogicalDestination(Id) : 0;
        _destinationFormat = uint.MaxValue;
        _spurious = 0xff;
        _isSoftwareEnabled = false;
        _errorStatus = 0;
        Volatile.Write(ref _pendingErrors, 0);
        _commandLow = 0;
        _commandHigh = 0;
        _timerEntry = EntryMasked;
        _thermalEntry = EntryMasked;
        _performanceEntry = EntryMasked;
        _lint0Entry = EntryMasked;
        _lint1Entry = EntryMasked;
        _errorEntry = EntryMasked;
        ResetTimer();
    }

    private static uint Half(ulong word, int offset) => (offset & 0x10) != 0 ? (uint)(word >> 32) : (uint)word;
}
