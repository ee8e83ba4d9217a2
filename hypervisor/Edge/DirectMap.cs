// SPDX-License-Identifier: MIT
// All machine memory, mapped at one place of the hypervisor's address space.

namespace XenSharp.Edge;

/// <summary>Addresses of the direct map: for Edge and the ports.</summary>
// SAFETY: only makes addresses; who follows one has to show that its frame is mapped.
internal static unsafe class DirectMap
{
    /// <summary>Where machine address 0 is mapped (DIRECTMAP_VIRT_START of Xen).</summary>
    public const ulong Base = 0xffff_8300_0000_0000;

    public static byte* Pointer(ulong frame) => (byte*)(Base + (frame << FrameSize.Shift));

    public static byte* At(ulong machineAddress) => (byte*)(Base + machineAddress);
}
