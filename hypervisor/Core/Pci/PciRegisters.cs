// SPDX-License-Identifier: MIT
// Registers of PCI configuration space that the hypervisor looks at (PCI Local Bus Specification 3.0, chapter 6).

namespace XenSharp.Core.Pci;

/// <summary>Offsets and bits.</summary>
public static class PciRegisters
{
    public const int VendorId = 0x00, Command = 0x04, Status = 0x06, Class = 0x0a, HeaderType = 0x0e, FirstBar = 0x10, Capabilities = 0x34;
    public const int Rom = 0x30, BridgeRom = 0x38;

    /// <summary>Size of the space by the ports, and of the extended one.</summary>
    public const int SpaceSize = 256, ExtendedSpaceSize = 4096;

    public const uint CommandMemory = 2;
    public const uint StatusCapabilities = 0x10;
    public const uint HeaderTypeMask = 0x7f, HeaderNormal = 0, HeaderBridge = 1, HeaderManyFunctions = 0x80;
    public const int NormalBars = 6, BridgeBars = 2;

    public const uint BarIo = 1, BarTypeMask = 6, BarType64 = 4, BarPrefetchable = 8, BarFlags = 0xf;
    public const uint RomEnable = 1, RomAddressMask = 0xffff_f800;

    public const byte CapabilityMsi = 5, CapabilityMsix = 0x11;

    public const uint MsiEnable = 1, MsiCapableShift = 1, MsiEnabledShift = 4, MsiCountMask = 7, Msi64Bit = 0x80, MsiMaskable = 0x100;

    public const uint MsixEnable = 0x8000, MsixMaskAll = 0x4000, MsixSizeMask = 0x7ff, MsixBarMask = 7;
    public const int MsixEntrySize = 16;

    /// <summary>Class and subclass of an AMD IOMMU.</summary>
    public const uint ClassIommu = 0x0806;
}
