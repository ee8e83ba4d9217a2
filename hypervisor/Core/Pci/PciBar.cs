// SPDX-License-Identifier: MIT
// One base address register of a function.

namespace XenSharp.Core.Pci;

/// <summary>What a register is; only the memory ones are emulated.</summary>
public enum PciBarType : byte
{
    None = 0,
    Io = 1,
    Memory32 = 2,

    /// <summary>The lower half of a 64-bit register, which holds the state of both.</summary>
    Memory64 = 3,
    Memory64High = 4,
    Rom = 5,
}

/// <summary>Address and size are the machine's; a guest sees the same.</summary>
public struct PciBar
{
    public ulong Address;
    public ulong Size;
    public PciBarType Type;
    public bool IsPrefetchable;

    /// <summary>Shown to the guest: memory decoding is on and the place was acceptable.</summary>
    public bool IsMapped;

    public readonly bool IsMemory => Type is PciBarType.Memory32 or PciBarType.Memory64 or PciBarType.Rom;

    public readonly ulong FirstPage => Address >> Edge.FrameSize.Shift;

    public readonly ulong LastPage => (Address + Size - 1) >> Edge.FrameSize.Shift;
}
