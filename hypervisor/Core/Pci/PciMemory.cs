// SPDX-License-Identifier: MIT
// Accesses of the hardware domain to memory that belongs to PCI and is not mapped: configuration windows (ECAM) and the pages with
// MSI-X tables. Called by MmioEmulation.

using XenSharp.Core.Domains;
using XenSharp.Edge;

namespace XenSharp.Core.Pci;

/// <summary>False: the address is none of PCI's.</summary>
public static class PciMemory
{
    public static bool TryRead(Domain domain, ulong address, int size, Cpu caller, out ulong value)
    {
        Host host = domain.Host;
        value = ulong.MaxValue;
        if (host.PciSegments.TryDecode(address, out ushort functionAddress, out int register))
        {
            if ((register & (size - 1)) != 0)
                return true;
            value = VirtualPci.Read(host, functionAddress, register, size == 8 ? 4 : size, caller);
            if (size == 8)
                value |= (ulong)VirtualPci.Read(host, functionAddress, register + 4, 4, caller) << 32;
            return true;
        }

        using SpinLock.Guard guard = host.Pci.Lock.Enter(caller);
        PciFunction? function = FindPage(host.Pci, address);
        if (function == null)
            return false;
        if ((address & (ulong)(size - 1)) != 0)
            return true;
        if (!IsInTable(function, address, out uint offset))
            value = host.Platform.ReadDevice(address, size);
        else if (size == 4)
            value = function.Msix!.Read(offset);
        else if (size == 8)
            value = function.Msix!.Read(offset) | ((ulong)function.Msix.Read(offset + 4) << 32);
        return true;
    }

    public static bool TryWrite(Domain domain, ulong address, int size, ulong value, Cpu caller)
    {
        Host host = domain.Host;
        if (host.PciSegments.TryDecode(address, out ushort functionAddress, out int register))
        {
            if ((register & (size - 1)) != 0)
                return true;
            VirtualPci.Write(domain, functionAddress, register, size == 8 ? 4 : size, (uint)value, caller);
            if (size == 8)
                VirtualPci.Write(domain, functionAddress, register + 4, 4, (uint)(value >> 32), caller);
            return true;
        }

        using SpinLock.Guard guard = host.Pci.Lock.Enter(caller);
        PciFunction? function = FindPage(host.Pci, address);
        if (function == null)
            return false;
        if ((address & (ulong)(size - 1)) != 0)
            return true;
        if (!IsInTable(function, address, out uint offset))
        {
            host.Platform.WriteDevice(address, size, value);
            return true;
        }

        if (size >= 4)
            function.Msix!.Write(host, function, offset, (uint)value, caller);
        if (size == 8)
            function.Msix!.Write(host, function, offset + 4, (uint)(value >> 32), caller);
        return true;
    }

    // The function whose MSI-X table or pending bits share a page with the address.
    private static PciFunction? FindPage(MachinePci pci, ulong address)
    {
        for (int i = 0; i < pci.Count; i++)
        {
            PciFunction function = pci[i];
            MessageTable? table = function.Msix;
            if (table == null)
                continue;
            if (SharesPage(function.AddressOf(table.TableBar, table.TableOffset), table.TableSize, address)
                || SharesPage(function.AddressOf(table.PendingBar, table.PendingOffset), table.PendingSize, address))
                return function;
        }

        return null;
    }

    private static bool SharesPage(ulong start, uint size, ulong address) =>
        start != 0 && address >> FrameSize.Shift >= start >> FrameSize.Shift && address >> FrameSize.Shift <= (start + size - 1) >> FrameSize.Shift;

    private static bool IsInTable(PciFunction function, ulong address, out uint offset)
    {
        MessageTable table = function.Msix!;
        ulong start = function.AddressOf(table.TableBar, table.TableOffset);
        offset = (uint)(address - start);
        return start != 0 && address >= start && address - start < table.TableSize;
    }
}
