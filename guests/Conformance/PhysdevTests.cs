// SPDX-License-Identifier: MIT
// physdev_op (`xen/include/public/physdev.h`): a PVH dom0 has four of them.

using System;

namespace XenSharp.Guests.Conformance;

internal static class PhysdevTests
{
    private static Page A => Probe.A;

    public static void Run()
    {
        Probe.Section("physdev_op"u8);
        for (uint operation = 0; operation < 36; operation++)
        {
            // Tried below with arguments that name no device: zeroes name the host bridge, and a segment without
            // a bridge makes real Xen's pci_device_add panic.
            if (operation is 25 or 26 or 29)
                continue;
            A.Clear().Put16(0, 0xffff);
            Probe.Numbered("physdev_op("u8, operation, Op(operation));
        }

        foreach (uint operation in (ReadOnlySpan<uint>)[64, 100, 0xffffffff])
            Probe.Numbered("physdev_op("u8, operation, Op(operation));
        foreach (uint operation in (ReadOnlySpan<uint>)[24, 25, 26, 29])
        {
            Report.Begin("physdev_op"u8);
            Report.Decimal("operation"u8, operation);
            Report.Flush();
            Probe.BadPointers(" "u8, Call.PhysdevOp, operation);
        }

        Reserved("pci_mmcfg_reserved(what the firmware says)"u8, 0xb0000000, 0, 0, 255, 1);
        Reserved("pci_mmcfg_reserved(the same again)"u8, 0xb0000000, 0, 0, 255, 1);
        Reserved("pci_mmcfg_reserved(other address)"u8, 0xc0000000, 0, 0, 255, 1);
        Reserved("pci_mmcfg_reserved(segment 1)"u8, 0xc0000000, 1, 0, 255, 1);
        Reserved("pci_mmcfg_reserved(buses backwards)"u8, 0xb0000000, 0, 255, 0, 1);
        Reserved("pci_mmcfg_reserved(not reserved)"u8, 0xb0000000, 0, 0, 255, 0);
        Reserved("pci_mmcfg_reserved(reserved again)"u8, 0xb0000000, 0, 0, 255, 1);
        Device("pci_device_add(00:00.0)"u8, 25, 0, 0, 0);
        Device("pci_device_add(00:00.0 again)"u8, 25, 0, 0, 0);
        Device("pci_device_add(00:1f.0)"u8, 25, 0, 0, 0x1f << 3);
        // A function that is not there is left out for the same reason as a segment that is not.
        Device("pci_device_remove(nothing at 00:1d.7)"u8, 26, 0, 0, (0x1d << 3) | 7);
        Device("pci_device_remove(segment 5)"u8, 26, 5, 0, 0);
        A.Clear().Put8(0, 1);
        Probe.Is("dbgp_op(prepare, bus unknown)"u8, Op(29));
        A.Clear().Put8(0, 9).Put8(1, 1);
        Probe.Is("dbgp_op(9)"u8, Op(29));
    }

    private static long Op(ulong operation) => Hypercall.Make(Call.PhysdevOp, operation, A.Address);

    private static void Reserved(ReadOnlySpan<byte> text, ulong address, ushort segment, byte first, byte last, uint flags)
    {
        A.Clear().Put64(0, address).Put16(8, segment).Put8(10, first).Put8(11, last).Put32(12, flags);
        Probe.Is(text, Op(24));
    }

    private static void Device(ReadOnlySpan<byte> text, uint operation, ushort segment, byte bus, byte function)
    {
        A.Clear().Put16(0, segment).Put8(2, bus).Put8(3, function);
        Probe.Is(text, Op(operation));
    }
}
