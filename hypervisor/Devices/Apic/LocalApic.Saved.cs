// SPDX-License-Identifier: MIT
// The local APIC as it is saved and loaded (struct hvm_hw_lapic and hvm_hw_lapic_regs, xen/include/public/arch-x86/hvm/save.h).
// Called while the vCPU does not run.

using System;
using System.Buffers.Binary;
using System.Threading;

namespace XenSharp.Devices.Apic;

public sealed partial class LocalApic
{
    /// <summary>The register page's part that is saved.</summary>
    public const int SavedSize = 1024;

    private const int RegisterStride = 16;
    private const uint HardwareDisabled = 1, SoftwareDisabled = 2;

    /// <summary>VLAPIC_*_DISABLED.</summary>
    public uint DisabledReasons => (IsHardwareEnabled ? 0 : HardwareDisabled) | (_isSoftwareEnabled ? 0 : SoftwareDisabled);

    /// <summary>By which the timer's clock is divided.</summary>
    public uint TimerDivisor => (uint)Divisor;

    /// <summary>Whether a mode can be loaded: x2APIC needs the APIC to be on.</summary>
    public static bool IsMode(ulong baseMsr) => (baseMsr & (BaseEnable | BaseX2Apic)) != BaseX2Apic;

    /// <summary>Loads mode and enables; the registers come by <see cref="LoadRegisters"/>, before or after.</summary>
    public void LoadMode(ulong baseMsr, uint disabledReasons)
    {
        _base = baseMsr;
        _isSoftwareEnabled = (disabledReasons & SoftwareDisabled) == 0;
        UpdateThreshold();
    }

    public void SaveRegisters(Span<byte> page)
    {
        page.Clear();
        for (int offset = 0; offset < SavedSize; offset += RegisterStride)
        {
            // The remaining count is not saved: a loaded timer starts anew.
            uint value = offset == RegisterCurrentCount ? 0 : offset == RegisterCommandHigh ? _commandHigh : ReadRegister(offset);
            BinaryPrimitives.WriteUInt32LittleEndian(page.Slice(offset), value);
        }
    }

    public void LoadRegisters(ReadOnlySpan<byte> page)
    {
        _xapicId = Word(page, RegisterId) >> 24;
        _taskPriority = Word(page, RegisterTaskPriority) & 0xff;
        _logicalDestination = Word(page, RegisterLogicalDestination);
        _destinationFormat = Word(page, RegisterDestinationFormat);
        _spurious = Word(page, RegisterSpurious) & SpuriousWritable;
        _errorStatus = Word(page, RegisterErrorStatus);
        Volatile.Write(ref _pendingErrors, 0);
        _commandLow = Word(page, RegisterCommandLow);
        _commandHigh = Word(page, RegisterCommandHigh);
        _timerEntry = Word(page, RegisterTimerEntry) & TimerEntryBits;
        _thermalEntry = Word(page, RegisterThermalEntry) & ModeEntryBits;
        _performanceEntry = Word(page, RegisterPerformanceEntry) & ModeEntryBits;
        _lint0Entry = Word(page, RegisterLint0Entry) & LintEntryBits;
        _lint1Entry = Word(page, RegisterLint1Entry) & LintEntryBits;
        _errorEntry = Word(page, RegisterErrorEntry) & EntryBits;
        uint words = Volatile.Read(ref _requestWords) & NmiBit;
        for (int i = 0; i < SetWords; i++)
        {
            _inService[i] = Set(page, RegisterInService, i);
            Volatile.Write(ref _triggerModes[i], Set(page, RegisterTriggerMode, i));
            ulong requests = Set(page, RegisterRequests, i);
            Volatile.Write(ref _requests[i], requests);
            words |= requests != 0 ? 1U << i : 0;
        }

        Volatile.Write(ref _requestWords, words);
        _highestInService = HighestInService();
        _divideConfiguration = Word(page, RegisterDivide) & DivideBits;
        Start(0, 0);
        WriteInitialCount(Word(page, RegisterInitialCount));
        UpdateThreshold();
    }

    private static uint Word(ReadOnlySpan<byte> page, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(page.Slice(offset));

    // 256 bits lie in eight registers of 32. The vectors below 16 do not exist.
    private static ulong Set(ReadOnlySpan<byte> page, int register, int word)
    {
        int offset = register + (word * 2 * RegisterStride);
        ulong value = Word(page, offset) | ((ulong)Word(page, offset + RegisterStride) << 32);
        return word == 0 ? value & ~0xffffUL : value;
    }
}
