// SPDX-License-Identifier: MIT
// Access to device memory anywhere in the machine's address space: one page of each CPU's that moves. Called by the platform.

using System.Threading;
using XenSharp.Core;
using XenSharp.Edge;
using XenSharp.X64.Runtime;

namespace XenSharp.X64.Paging;

/// <summary>For rare accesses: PCI configuration windows, MSI-X tables. What is mapped at boot needs no window.</summary>
// SAFETY: interrupts are off while C# runs and NMI handlers do not come here, so a CPU's page has one user at a time; callers give
// addresses that are aligned to the size.
internal static unsafe class DeviceWindow
{
    private static ulong s_first;

    /// <summary>Reserves the pages; once, at boot.</summary>
    public static void Prepare() => s_first = HostPageTables.ReserveDevicePages(Host.MaxProcessors);

    public static ulong Read(ulong machineAddress, int size)
    {
        byte* place = Open(machineAddress);
        return size switch
        {
            1 => Volatile.Read(ref *place),
            2 => Volatile.Read(ref *(ushort*)place),
            4 => Volatile.Read(ref *(uint*)place),
            _ => Volatile.Read(ref *(ulong*)place),
        };
    }

    public static void Write(ulong machineAddress, int size, ulong value)
    {
        byte* place = Open(machineAddress);
        switch (size)
        {
            case 1:
                Volatile.Write(ref *place, (byte)value);
                break;
            case 2:
                Volatile.Write(ref *(ushort*)place, (ushort)value);
                break;
            case 4:
                Volatile.Write(ref *(uint*)place, (uint)value);
                break;
            default:
                Volatile.Write(ref *(ulong*)place, value);
                break;
        }
    }

    private static byte* Open(ulong machineAddress)
    {
        ulong page = s_first + (Assembly.PerCpu()->Id * (ulong)FrameSize.Bytes);
        HostPageTables.Redirect(page, machineAddress);
        return (byte*)(page + (machineAddress & FrameSize.Mask));
    }
}
