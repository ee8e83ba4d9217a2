// SPDX-License-Identifier: MIT
// IA32_APIC_BASE, and the x2APIC's MSRs. False means that the access takes #GP.

namespace XenSharp.Devices.Apic;

public sealed partial class LocalApic
{
    /// <summary>IA32_APIC_BASE.</summary>
    public const uint BaseMsr = 0x1b;

    public const uint FirstMsr = 0x800;
    public const uint LastMsr = 0x8ff;

    /// <summary>The only place of the xAPIC page that is supported (as in Xen: the p2m is shared by all vCPUs).</summary>
    public const ulong DefaultAddress = 0xfee0_0000;

    private const ulong BaseBootProcessor = 1 << 8, BaseX2Apic = 1 << 10, BaseEnable = 1 << 11;
    private const ulong BaseAddress = 0x000f_ffff_ffff_f000;

    private ulong _base;

    public ulong Base => _base;

    public bool IsHardwareEnabled
    {
        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]
        get => (_base & BaseEnable) != 0;
    }

    public bool IsX2Apic => (_base & (BaseEnable | BaseX2Apic)) == (BaseEnable | BaseX2Apic);

    /// <summary>Whether a guest-physical address lies in the page of registers now.</summary>
    public bool Decodes(ulong guestPhysicalAddress) =>
        (_base & (BaseEnable | BaseX2Apic)) == BaseEnable && guestPhysicalAddress - DefaultAddress < 0x1000;

    /// <summary>Reads IA32_APIC_BASE or an x2APIC register.</summary>
    public bool ReadMsr(uint index, out ulong value)
    {
        value = _base;
        if (index == BaseMsr)
            return true;
        value = 0;
        if (!IsX2Apic || !IsReadable(index - FirstMsr))
            return false;
        int offset = (int)(index - FirstMsr) << 4;
        value = ReadRegister(offset);
        if (offset == RegisterCommandLow)
            value |= (ulong)_commandHigh << 32;
        return true;
    }

    /// <summary>Writes IA32_APIC_BASE or an x2APIC register.</summary>
    public bool WriteMsr(uint index, ulong value)
    {
        // First for speed: Linux ends every interrupt with it.
        if (index == FirstMsr + (RegisterEndOfInterrupt >> 4) && value == 0 && IsX2Apic)
        {
            EndOfInterrupt();
            return true;
        }

        return index == BaseMsr ? WriteBase(value) : IsX2Apic && WriteX2Apic((int)(index - FirstMsr) << 4, value);
    }

    private bool WriteX2Apic(int offset, ulong value)
    {
        switch (offset)
        {
            case RegisterTaskPriority:
                return Write(offset, value, 0xff);
            case RegisterSpurious:
                return Write(offset, value, SpuriousWritable);
            case RegisterEndOfInterrupt or RegisterErrorStatus:
                return Write(offset, value, 0);
            case RegisterTimerEntry:
                return Write(offset, value, TimerEntryBits);
            case RegisterThermalEntry or RegisterPerformanceEntry:
                return Write(offset, value, ModeEntryBits);
            case RegisterLint0Entry or RegisterLint1Entry:
                return Write(offset, value, LintEntryBits);
            case RegisterErrorEntry:
                return Write(offset, value, EntryBits);
            case RegisterInitialCount:
                return Write(offset, value, uint.MaxValue);
            case RegisterDivide:
                return Write(offset, value, DivideBits);
            case RegisterCommandLow:
                if (((uint)value & ~CommandBits) != 0)
                    return false;
                _commandHigh = (uint)(value >> 32);
                WriteCommand((uint)value);
                return true;
            case RegisterSelfInterrupt:
                if ((value & ~0xffUL) != 0)
                    return false;
                SendSelf((byte)value);
                return true;
            default:
                return false;
        }
    }

    private bool Write(int offset, ulong value, uint writable)
    {
        if ((value & ~(ulong)writable) != 0)
            return false;
        WriteRegister(offset, (uint)value);
        return true;
    }

    private bool WriteBase(ulong value)
    {
        if ((value & ~(BaseAddress | BaseEnable | BaseBootProcessor | BaseX2Apic)) != 0)
            return false;
        ulong mode = value & (BaseEnable | BaseX2Apic);
        if (mode == BaseEnable && (value & BaseAddress) != DefaultAddress)
            return false;
        if (((_base ^ value) & BaseEnable) != 0)
        {
            if ((value & BaseX2Apic) != 0)
                return false;
            if ((value & BaseEnable) != 0)
            {
                ResetBase();
                _base = value;
                Reset();
                return true;
            }
        }
        else if (((_base ^ value) & BaseX2Apic) != 0 && (_base & (BaseEnable | BaseX2Apic)) != BaseEnable)
        {
            // x2APIC mode is entered from xAPIC mode only, and left only by disabling the APIC.
            return false;
        }

        _base = value;
        if (IsX2Apic)
            _logicalDestination = X2ApicLogicalDestination(Id);
        UpdateThreshold();
        return true;
    }

    private void ResetBase()
    {
        _base = DefaultAddress | BaseEnable | (_vcpuId == 0 ? BaseBootProcessor : 0);
        _xapicId = Id & 0xff;
    }

    private static bool IsReadable(uint register) => register < 0x40 && ((ReadableRegisters >> (int)register) & 1) != 0;

    // Ids, version, priorities, LDR, SVR, ISR, TMR, IRR, ESR, ICR, local vector table (and CMCI, which reads 0), timer.
    private const ulong ReadableRegisters =
        (1UL << 0x02) | (1UL << 0x03) | (1UL << 0x08) | (1UL << 0x0a) | (1UL << 0x0d) | (1UL << 0x0f) | (0xff_ffffUL << 0x10) |
        (1UL << 0x28) | (1UL << 0x2f) | (1UL << 0x30) | (0xffUL << 0x32) | (1UL << 0x3e);

    private static uint X2ApicLogicalDestination(uint id) => ((id & ~0xfU) << 12) | (1U << (int)(id & 0xf));
}
