// SPDX-License-Identifier: MIT
// Records of emulated devices as xen-hvmctx prints them. Called by HvmContextTool.

using System;
using System.IO;
using System.Runtime.InteropServices;
using XenSharp.Abi;
using static XenSharp.Inspection.Printf;

namespace XenSharp.Inspection;

internal static class HvmDevicePrinter
{
    private const int HpetTimers = 3, MtrrRanges = 8, FixedMtrrs = 11;

    /// <summary>Xen prints two of the three channels.</summary>
    private const int PrintedChannels = 2;

    public static void Header(in HvmSaveHeader h, TextWriter output)
    {
        output.WriteLine($"     Header: magic {Hex(h.Magic)}, version {h.Version}");
        output.WriteLine($"             Xen changeset {h.ChangeSet:x}");
        output.WriteLine($"             CPUID[0][%eax] 0x{h.Cpuid:x8}");
        output.WriteLine($"             gtsc_khz {h.GuestTscKhz}");
    }

    public static void Pic(in HvmHwVirtualPic p, TextWriter output)
    {
        output.WriteLine($"    PIC: IRQ base {Hex(p.IrqBase)}, irr {Hex(p.Irr)}, imr {Hex(p.Imr)}, isr {Hex(p.Isr)}");
        output.WriteLine($"         init_state {p.Bits4 & 0xF}, priority_add {p.Bits4 >> 4}, readsel_isr {Bit(p.Bits5, 0)}, poll {Bit(p.Bits5, 1)}");
        output.WriteLine($"         auto_eoi {Bit(p.Bits5, 2)}, rotate_on_auto_eoi {Bit(p.Bits5, 3)}");
        output.WriteLine($"         special_fully_nested_mode {Bit(p.Bits5, 4)}, special_mask_mode {Bit(p.Bits5, 5)}");
        output.WriteLine($"         is_master {Bit(p.Bits5, 6)}, elcr {Hex(p.Elcr)}, int_output {Hex(p.IntOutput)}");
    }

    public static void IoApic(in HvmHwVirtualIoApic p, TextWriter output)
    {
        output.WriteLine($"    IOAPIC: base_address {Hex(p.BaseAddress)}, ioregsel {Hex(p.IoRegisterSelect)} id {Hex(p.Id)}");
        ReadOnlySpan<ulong> pins = p.RedirectionTable;
        for (int pin = 0; pin < pins.Length; pin++)
            output.WriteLine($"            pin {pin:D2}: 0x{pins[pin]:x16}");
    }

    public static void LocalApic(in HvmHwLocalApic p, TextWriter output) =>
        output.WriteLine($"    LAPIC: base_msr {Hex(p.ApicBaseMsr)}, disabled {Hex(p.Disabled)}, timer_divisor {Hex(p.TimerDivisor)}");

    public static void LocalApicRegisters(in HvmHwLocalApicRegisters r, TextWriter output)
    {
        output.WriteLine("    LAPIC registers:");
        ReadOnlySpan<uint> words = MemoryMarshal.Cast<byte, uint>(r.Data);
        for (int offset = 0; offset < 0x400; offset += 32)
            output.WriteLine($"          0x{offset:x3}: 0x{words[offset / 4]:x8}   0x{offset + 16:x3}: 0x{words[(offset + 16) / 4]:x8}");
    }

    public static void PciIrqs(in HvmHwPciIrqs i, TextWriter output) => output.WriteLine($"    PCI IRQs: 0x{i.U[0]:x16}{i.U[1]:x16}");

    public static void IsaIrqs(in HvmHwIsaIrqs i, TextWriter output) => output.WriteLine($"    ISA IRQs: 0x{i.U:x4}");

    public static void PciLink(in HvmHwPciLink l, TextWriter output) => output.WriteLine($"    PCI LINK: {l.Route[0]} {l.Route[1]} {l.Route[2]} {l.Route[3]}");

    public static void Pit(in HvmHwPit p, TextWriter output)
    {
        output.WriteLine($"    PIT: speaker {(p.SpeakerDataOn != 0 ? "on" : "off")}");
        for (int index = 0; index < PrintedChannels; index++)
        {
            HvmHwPitChannel channel = p.Channels[index];
            output.WriteLine($"         ch {index}: count {Hex(channel.Count)}, latched_count {Hex(channel.LatchedCount)}, count_latched {channel.CountLatched}");
            output.WriteLine($"               status {Hex(channel.Status)}, status_latched {Hex(channel.StatusLatched)}");
            output.WriteLine($"               rd_state {Hex(channel.ReadState)}, wr_state {Hex(channel.WriteState)}, wr_latch {Hex(channel.WriteLatch)}, rw_mode {Hex(channel.RwMode)}");
            output.WriteLine($"               mode {Hex(channel.Mode)}, bcd {Hex(channel.Bcd)}, gate {Hex(channel.Gate)}");
        }
    }

    public static void Rtc(in HvmHwRtc r, TextWriter output)
    {
        ReadOnlySpan<byte> data = r.CmosData;
        output.Write("    RTC: regs");
        for (int index = 0; index < 8; index++)
            output.Write($" 0x{data[index]:x2}");
        output.Write("\n             ");
        for (int index = 8; index < 14; index++)
            output.Write($" 0x{data[index]:x2}");
        output.WriteLine($", index 0x{r.CmosIndex:x2}");
    }

    public static void Hpet(in HvmHwHpet h, TextWriter output)
    {
        output.WriteLine($"    HPET: capability {Hex(h.Capability)} config {Hex(h.Config)}");
        output.WriteLine($"          isr {Hex(h.Isr)} counter {Hex(h.Mc64)}");
        for (int index = 0; index < HpetTimers; index++)
        {
            HvmHwHpetTimer timer = h.Timers[index];
            output.WriteLine($"          timer{index} config {Hex(timer.Config, 18, 16)} cmp {Hex(timer.Cmp, 18, 8)}");
            output.WriteLine($"          timer{index} period {Hex(h.Period[index], 18, 8)} fsb {Hex(timer.Fsb, 18, 8)}");
        }
    }

    public static void PmTimer(in HvmHwPmTimer p, TextWriter output) => output.WriteLine($"    ACPI PM: TMR_VAL 0x{p.TimerValue:x}, PM1a_STS 0x{p.Pm1aStatus:x}, PM1a_EN 0x{p.Pm1aEnable:x}");

    public static void Mtrr(in HvmHwMtrr p, TextWriter output)
    {
        output.WriteLine($"    MTRR: PAT {Hex(p.MsrPatCr)}, cap {Hex(p.MsrMtrrCap)}, default {Hex(p.MsrMtrrDefaultType)}");
        for (int index = 0; index < MtrrRanges; index++)
            output.WriteLine($"          var {index} {Hex(p.MsrMtrrVar[2 * index], 18, 13)} {Hex(p.MsrMtrrVar[(2 * index) + 1], 18, 13)}");
        for (int index = 0; index < FixedMtrrs; index++)
            output.WriteLine($"          fixed {index:x2} {Hex(p.MsrMtrrFixed[index], 18, 16)}");
    }

    public static void ViridianDomain(in HvmViridianDomainContext p, TextWriter output) =>
        output.WriteLine($"    VIRIDIAN_DOMAIN: hypercall gpa 0x{p.HypercallGuestPhysicalAddress:x}, guest_os_id 0x{p.GuestOsId:x}");

    public static void ViridianVcpu(in HvmViridianVcpuContext p, TextWriter output) =>
        output.WriteLine($"    VIRIDIAN_VCPU: vp_assist_msr 0x{p.VpAssistMsr:x}, apic_assist_pending {(p.ApicAssistPending != 0 ? "true" : "false")}");

    public static void VmceVcpu(in HvmVmceVcpu p, TextWriter output)
    {
        output.WriteLine($"    VMCE_VCPU: caps {p.Capabilities:x}");
        output.WriteLine($"    VMCE_VCPU: bank0 mci_ctl2 {p.MciCtl2Bank0:x}");
        output.WriteLine($"    VMCE_VCPU: bank1 mci_ctl2 {p.MciCtl2Bank1:x}");
    }

    private static int Bit(byte value, int bit) => (value >> bit) & 1;
}
