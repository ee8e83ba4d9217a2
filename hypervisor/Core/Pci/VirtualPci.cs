// SPDX-License-Identifier: MIT
// Configuration space as the hardware domain sees it: the machine's, except the registers that decide about memory and interrupts.
// Called for accesses to the ports CF8-CFF and to the windows (ECAM) of the ACPI table MCFG.
//
// What is emulated: xen/drivers/vpci (command register, memory BARs, MSI, MSI-X). A doubleword has at most one emulated field; bytes
// beside it go to the machine.

using System;
using XenSharp.Core.Domains;
using XenSharp.Edge;
using static XenSharp.Core.Pci.PciRegisters;

namespace XenSharp.Core.Pci;

/// <summary>Every offset is checked here; whoever calls only says which bytes are meant.</summary>
public static class VirtualPci
{
    private enum FieldKind : byte
    {
        None,
        Command,
        Bar,
        Rom,
        MsiControl,
        MsiAddress,
        MsiAddressHigh,
        MsiData,
        MsiMask,
        MsixControl,
    }

    private struct Field
    {
        public FieldKind Kind;
        public int Register;
        public int Size;
        public int Index;
    }

    /// <summary>Reads 1, 2 or 4 bytes that lie in one doubleword; anything else is all ones.</summary>
    public static uint Read(Host host, ushort address, int register, int size, Cpu caller)
    {
        if (!IsLegal(register, size))
            return MachinePci.Ones(size);
        MachinePci pci = host.Pci;
        PciFunction? function = pci.Find(address);
        if (function == null || !FindField(function, register, size, out Field field))
            return pci.Read(address, register, size, caller);
        using SpinLock.Guard guard = pci.Lock.Enter(caller);
        uint emulated = ReadField(pci, function, in field, caller);
        if (register >= field.Register && register + size <= field.Register + field.Size)
            return (emulated >> ((register - field.Register) * 8)) & MachinePci.Ones(size);
        uint value = pci.Read(address, register, size, caller);
        for (int i = 0; i < size; i++)
        {
            int at = register + i - field.Register;
            if ((uint)at < (uint)field.Size)
                value = (value & ~(0xffU << (8 * i))) | (((emulated >> (8 * at)) & 0xff) << (8 * i));
        }

        return value;
    }

    /// <summary>Writes 1, 2 or 4 bytes that lie in one doubleword; anything else is dropped.</summary>
    public static void Write(Domain domain, ushort address, int register, int size, uint value, Cpu caller)
    {
        if (!IsLegal(register, size))
            return;
        MachinePci pci = domain.Host.Pci;
        PciFunction? function = pci.Find(address);
        if (function == null)
        {
            pci.Write(address, register, size, value, caller);
            return;
        }

        if (function.IsReadOnly)
            return;
        if (!FindField(function, register, size, out Field field))
        {
            pci.Write(address, register, size, value, caller);
            return;
        }

        using SpinLock.Guard guard = pci.Lock.Enter(caller);
        WritePart(pci, address, register, field.Register, register, value, caller);
        uint merged = field.Size > size || register > field.Register || register + size < field.Register + field.Size
            ? ReadField(pci, function, in field, caller)
            : 0;
        for (int i = 0; i < size; i++)
        {
            int at = register + i - field.Register;
            if ((uint)at < (uint)field.Size)
                merged = (merged & ~(0xffU << (8 * at))) | (((value >> (8 * i)) & 0xff) << (8 * at));
        }

        WriteField(pci, domain, function, in field, merged, caller);
        WritePart(pci, address, field.Register + field.Size, register + size, register, value, caller);
    }

    private static bool IsLegal(int register, int size) =>
        size is 1 or 2 or 4 && (uint)register < ExtendedSpaceSize && (register & 3) + size <= 4;

    // The bytes [from, end) of a write that starts at a register; nothing if the range is empty.
    private static void WritePart(MachinePci pci, ushort address, int from, int end, int register, uint value, Cpu caller)
    {
        from = Math.Max(from, register);
        if (end > from)
            pci.Write(address, from, end - from, value >> (8 * (from - register)) & MachinePci.Ones(end - from), caller);
    }

    // The emulated field that an access touches.
    private static bool FindField(PciFunction function, int register, int size, out Field field)
    {
        field = default;
        if (function.IsReadOnly || function.BarCount == 0 || register >= SpaceSize)
            return false;
        int doubleword = register & ~3;
        int bar = (doubleword - FirstBar) / 4;
        if (doubleword == Command)
            Set(ref field, FieldKind.Command, Command, 2);
        else if (doubleword >= FirstBar && bar < function.BarCount)
            FindBar(function, bar, ref field);
        else if (doubleword == function.RomRegister && function.Bars[function.BarCount].Type == PciBarType.Rom)
            Set(ref field, FieldKind.Rom, doubleword, 4);
        else if (function.Msix != null && doubleword == (function.Msix.ControlRegister & ~3))
            Set(ref field, FieldKind.MsixControl, function.Msix.ControlRegister, 2);
        else if (function.Msi != null && doubleword > function.RomRegister)
            FindMsi(function.Msi, doubleword, ref field);
        return field.Kind != FieldKind.None && register < field.Register + field.Size && field.Register < register + size;
    }

    private static void FindBar(PciFunction function, int index, ref Field field)
    {
        if (function.Bars[index].Type is not (PciBarType.Memory32 or PciBarType.Memory64 or PciBarType.Memory64High))
            return;
        Set(ref field, FieldKind.Bar, FirstBar + (4 * index), 4);
        field.Index = index;
    }

    private static void FindMsi(MessageCapability msi, int doubleword, ref Field field)
    {
        if (doubleword == (msi.ControlRegister & ~3))
            Set(ref field, FieldKind.MsiControl, msi.ControlRegister, 2);
        else if (doubleword == msi.AddressRegister)
            Set(ref field, FieldKind.MsiAddress, doubleword, 4);
        else if (doubleword == msi.HighAddressRegister)
            Set(ref field, FieldKind.MsiAddressHigh, doubleword, 4);
        else if (doubleword == msi.DataRegister)
            Set(ref field, FieldKind.MsiData, doubleword, 2);
        else if (doubleword == msi.MaskRegister)
            Set(ref field, FieldKind.MsiMask, doubleword, 4);
    }

    private static void Set(ref Field field, FieldKind kind, int register, int size)
    {
        field.Kind = kind;
        field.Register = register;
        field.Size = size;
    }

    private static uint ReadField(MachinePci pci, PciFunction function, in Field field, Cpu caller)
    {
        switch (field.Kind)
        {
            case FieldKind.MsiControl:
                return function.Msi!.Control;
            case FieldKind.MsiAddress:
                return function.Msi!.AddressLow;
            case FieldKind.MsiAddressHigh:
                return function.Msi!.AddressHigh;
            case FieldKind.MsiData:
                return function.Msi!.Data;
            case FieldKind.MsiMask:
                return function.Msi!.Mask;
            case FieldKind.MsixControl:
                return function.Msix!.Control;
            default:
                return pci.Read(function.Address, field.Register, field.Size, caller);
        }
    }

    private static void WriteField(MachinePci pci, Domain domain, PciFunction function, in Field field, uint value, Cpu caller)
    {
        Host host = pci.Host;
        switch (field.Kind)
        {
            case FieldKind.Command:
                BarMapping.WriteCommand(pci, domain, function, value, caller);
                break;
            case FieldKind.Bar:
                BarMapping.WriteBar(pci, function, field.Index, value, caller);
                break;
            case FieldKind.Rom:
                BarMapping.WriteRom(pci, domain, function, value, caller);
                break;
            case FieldKind.MsiControl:
                function.Msi!.WriteControl(host, function, value, caller);
                break;
            case FieldKind.MsiAddress:
                function.Msi!.WriteAddressLow(host, value, caller);
                break;
            case FieldKind.MsiAddressHigh:
                function.Msi!.WriteAddressHigh(host, value, caller);
                break;
            case FieldKind.MsiData:
                function.Msi!.WriteData(host, value, caller);
                break;
            case FieldKind.MsiMask:
                function.Msi!.WriteMask(host, function, value, caller);
                break;
            case FieldKind.MsixControl:
                function.Msix!.WriteControl(host, function, value, caller);
                break;
        }
    }
}
