// SPDX-License-Identifier: MIT
// PAT and MTRRs of a vCPU: stored and given back, without effect on the memory types that nested paging uses.

namespace XenSharp.Core.CpuPolicy;

/// <summary>Checks as the CPU makes them (AMD APM vol. 2, 7.7 and 7.8). Called by <see cref="MsrPolicy"/>.</summary>
public static class MemoryTypeMsrs
{
    private const uint Capability = 0xfe, FirstVariable = 0x200, Fixed64 = 0x250, FirstFixed16 = 0x258, FirstFixed4 = 0x268, Pat = 0x277;
    private const uint DefaultType = 0x2ff;
    private const uint LastVariable = FirstVariable + (2 * VcpuMsrs.VariableRanges) - 1;
    private const uint LastFixed4 = FirstFixed4 + 7;

    // Types 0, 1, 4, 5, 6 of MTRRs; PAT also has 7 (UC-).
    private const uint MtrrTypes = 0x73, PatTypes = 0xf3;

    public static bool Contains(uint index) => index is Capability or (>= FirstVariable and <= DefaultType) && FixedOrVariable(index);

    public static bool Read(VcpuMsrs msrs, uint index, out ulong value)
    {
        value = index switch
        {
            Capability => msrs.MtrrCapability,
            Pat => msrs.Pat,
            DefaultType => msrs.MtrrDefaultType,
            <= LastVariable => msrs.MtrrVariable[(int)(index - FirstVariable)],
            _ => msrs.MtrrFixed[FixedIndex(index)],
        };
        return true;
    }

    public static bool Write(VcpuMsrs msrs, uint index, ulong value, int physicalAddressBits)
    {
        const ulong defaultTypeBits = 0xcff, maskValid = 1 << 11;
        switch (index)
        {
            case Capability:
                return false;
            case Pat:
                // As in Xen, reserved bits of an entry are not looked at.
                if (!AreTypes(value & 0x0707_0707_0707_0707, PatTypes))
                    return false;
                msrs.Pat = value;
                return true;
            case DefaultType:
                if ((value & ~defaultTypeBits) != 0 || !IsType((byte)value, MtrrTypes))
                    return false;
                msrs.MtrrDefaultType = value;
                return true;
            case <= LastVariable:
                ulong reserved = ~((1UL << physicalAddressBits) - 1);
                bool isMask = (index & 1) != 0;
                reserved |= isMask ? 0xfffUL & ~maskValid : 0xf00;
                if ((value & reserved) != 0 || (!isMask && !IsType((byte)value, MtrrTypes)))
                    return false;
                msrs.MtrrVariable[(int)(index - FirstVariable)] = value;
                return true;
            default:
                if (!AreTypes(value, MtrrTypes))
                    return false;
                msrs.MtrrFixed[FixedIndex(index)] = value;
                return true;
        }
    }

    private static bool FixedOrVariable(uint index) =>
        index is Capability or <= LastVariable or Fixed64 or FirstFixed16 or FirstFixed16 + 1 or (>= FirstFixed4 and <= LastFixed4) or Pat or DefaultType;

    private static int FixedIndex(uint index) =>
        index == Fixed64 ? 0 : index < FirstFixed4 ? (int)(index - FirstFixed16) + 1 : (int)(index - FirstFixed4) + 3;

    private static bool IsType(byte type, uint allowed) => type < 8 && ((allowed >> type) & 1) != 0;

    private static bool AreTypes(ulong value, uint allowed)
    {
        for (int i = 0; i < 8; i++)
        {
            if (!IsType((byte)(value >> (i * 8)), allowed))
                return false;
        }

        return true;
    }
}
