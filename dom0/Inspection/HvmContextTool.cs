// SPDX-License-Identifier: MIT
// xen-hvmctx: the saved state of an HVM or PVH domain, record by record. Form of Xen 4.17's tools/misc/xen-hvmctx.c. Called by InspectionTools.

using System;
using System.Globalization;
using System.IO;
using XenSharp.Abi;
using XenSharp.Control;

namespace XenSharp.Inspection;

internal static class HvmContextTool
{
    public static int Run(string name, string[] arguments, TextWriter output, TextWriter errors)
    {
        if (arguments is not [string text] || !ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ushort domain))
        {
            errors.WriteLine($"usage: {name} <domid>");
            return 1;
        }
        using Hypervisor hypervisor = Hypervisor.Open();
        byte[] records;
        try
        {
            records = hypervisor.GetHvmContext(domain);
        }
        catch (HypercallException failure)
        {
            errors.WriteLine($"Error: can't get record length for dom {domain}: {failure.Message}");
            return 1;
        }
        output.WriteLine($"HVM save record for domain {domain}");
        return Print(records, output, errors);
    }

    /// <summary>Records up to the END one. What does not fit is an error, as there.</summary>
    internal static int Print(ReadOnlySpan<byte> records, TextWriter output, TextWriter errors)
    {
        RecordReader reader = new(records);
        try
        {
            for (int entry = 0; ; entry++)
            {
                HvmSaveDescriptor descriptor = reader.Read<HvmSaveDescriptor>();
                output.WriteLine($"Entry {entry}: type {(ushort)descriptor.TypeCode} instance {descriptor.Instance}, length {descriptor.Length}");
                if ((HvmSaveType)descriptor.TypeCode == HvmSaveType.End)
                    return 0;
                PrintRecord((HvmSaveType)descriptor.TypeCode, (int)Math.Min(descriptor.Length, int.MaxValue), ref reader, output);
                if (reader.Left == 0)
                    return 0;
            }
        }
        catch (EndOfStreamException failure)
        {
            output.Flush();
            errors.WriteLine(failure.Message);
            return 1;
        }
    }

    private static void PrintRecord(HvmSaveType type, int length, ref RecordReader reader, TextWriter output)
    {
        switch (type)
        {
            case HvmSaveType.Header: HvmDevicePrinter.Header(reader.Read<HvmSaveHeader>(), output); break;
            case HvmSaveType.Cpu: HvmCpuPrinter.Print(reader.Read<HvmHwCpu>(), output); break;
            case HvmSaveType.Pic: HvmDevicePrinter.Pic(reader.Read<HvmHwVirtualPic>(), output); break;
            case HvmSaveType.IoApic: HvmDevicePrinter.IoApic(reader.Read<HvmHwVirtualIoApic>(), output); break;
            case HvmSaveType.LocalApic: HvmDevicePrinter.LocalApic(reader.Read<HvmHwLocalApic>(), output); break;
            case HvmSaveType.LocalApicRegisters: HvmDevicePrinter.LocalApicRegisters(reader.Read<HvmHwLocalApicRegisters>(), output); break;
            case HvmSaveType.PciIrq: HvmDevicePrinter.PciIrqs(reader.Read<HvmHwPciIrqs>(), output); break;
            case HvmSaveType.IsaIrq: HvmDevicePrinter.IsaIrqs(reader.Read<HvmHwIsaIrqs>(), output); break;
            case HvmSaveType.PciLink: HvmDevicePrinter.PciLink(reader.Read<HvmHwPciLink>(), output); break;
            case HvmSaveType.Pit: HvmDevicePrinter.Pit(reader.Read<HvmHwPit>(), output); break;
            case HvmSaveType.Rtc: HvmDevicePrinter.Rtc(reader.Read<HvmHwRtc>(), output); break;
            case HvmSaveType.Hpet: HvmDevicePrinter.Hpet(reader.Read<HvmHwHpet>(), output); break;
            case HvmSaveType.PmTimer: HvmDevicePrinter.PmTimer(reader.Read<HvmHwPmTimer>(), output); break;
            case HvmSaveType.Mtrr: HvmDevicePrinter.Mtrr(reader.Read<HvmHwMtrr>(), output); break;
            case HvmSaveType.ViridianDomain: HvmDevicePrinter.ViridianDomain(reader.Read<HvmViridianDomainContext>(), output); break;
            case HvmSaveType.ViridianVcpu: HvmDevicePrinter.ViridianVcpu(reader.Read<HvmViridianVcpuContext>(), output); break;
            case HvmSaveType.VmceVcpu: HvmDevicePrinter.VmceVcpu(reader.Read<HvmVmceVcpu>(), output); break;
            case HvmSaveType.TscAdjust: output.WriteLine($"    TSC_ADJUST: tsc_adjust {reader.Read<HvmTscAdjust>().TscAdjust:x}"); break;
            default:
                output.WriteLine($" ** Don't understand type {(ushort)type}: skipping");
                reader.Skip(length);
                break;
        }
    }
}
