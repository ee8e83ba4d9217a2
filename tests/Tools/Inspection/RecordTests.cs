// SPDX-License-Identifier: MIT
// Event channels, saved records, nodes: what Xen 4.17's tools print for the same structures.

using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;
using XenSharp.Abi;
using XenSharp.Control;
using XenSharp.Inspection;
using Xunit;

namespace XenSharp.Tests.Tools.Inspection;

public sealed class RecordTests
{
    private readonly StringWriter _output = new();
    private readonly StringWriter _errors = new();

    [Theory]
    [InlineData(EventChannelState.Unbound, 7u, 0u, "   1: VCPU 0: Interdomain (Waiting connection) - Remote Domain 7")]
    [InlineData(EventChannelState.Interdomain, 0xDEAD0003u, 12u, "   1: VCPU 0: Interdomain (Connected) - Remote Domain 3, Port 12")]
    [InlineData(EventChannelState.Pirq, 9u, 0u, "   1: VCPU 0: Physical IRQ 9")]
    [InlineData(EventChannelState.Virq, 4u, 0u, "   1: VCPU 0: Virtual IRQ 4")]
    [InlineData(EventChannelState.Ipi, 0u, 0u, "   1: VCPU 0: IPI")]
    [InlineData((EventChannelState)9, 0u, 0u, "   1: VCPU 0: Unknown")]
    public void EventChannelsHaveXensWords(EventChannelState state, uint first, uint second, string line)
    {
        EventChannelStatus status = new() { Status = state };
        status.U[0] = first;
        status.U[1] = second;
        Assert.Equal(line, EventChannelTool.Describe(1, status));
    }

    [Fact]
    public void RecordsAreDecodedOneAfterTheOther()
    {
        List<byte> records = [];
        Add(records, HvmSaveType.Header, new HvmSaveHeader { Magic = 0x54381286, Version = 1, ChangeSet = 0x1234, Cpuid = 0xF12, GuestTscKhz = 2_000_000 });
        Add(records, HvmSaveType.LocalApic, new HvmHwLocalApic { ApicBaseMsr = 0xFEE00900, TimerDivisor = 2 });
        Add(records, (HvmSaveType)99, 0x1122334455667788UL);
        Add(records, HvmSaveType.TscAdjust, new HvmTscAdjust { TscAdjust = 0xABC });
        Add(records, HvmSaveType.PmTimer, new HvmHwPmTimer { TimerValue = 0x10, Pm1aStatus = 1, Pm1aEnable = 0x20 });
        records.AddRange([0, 0, 0, 0, 0, 0, 0, 0]);
        Assert.Equal(0, HvmContextTool.Print(records.ToArray(), _output, _errors));
        Assert.Equal(
            """
            Entry 0: type 1 instance 0, length 24
                 Header: magic 0x54381286, version 1
                         Xen changeset 1234
                         CPUID[0][%eax] 0x00000f12
                         gtsc_khz 2000000
            Entry 1: type 5 instance 0, length 24
                LAPIC: base_msr 0xfee00900, disabled 0, timer_divisor 0x2
            Entry 2: type 99 instance 0, length 8
             ** Don't understand type 99: skipping
            Entry 3: type 19 instance 0, length 8
                TSC_ADJUST: tsc_adjust abc
            Entry 4: type 13 instance 0, length 8
                ACPI PM: TMR_VAL 0x10, PM1a_STS 0x1, PM1a_EN 0x20
            Entry 5: type 0 instance 0, length 0

            """, _output.ToString());
    }

    [Fact]
    public void AProcessorsSegmentsAreAlignedAsXens()
    {
        HvmHwCpu cpu = new() { Rip = 0x1000, CsSelector = 0x10, CsLimit = uint.MaxValue, CsAccessRights = 0xA9B, TrLimit = 0x67, TrAccessRights = 0x8B, GdtrLimit = 0x7F, MsrEfer = 0xD01 };
        List<byte> records = [];
        Add(records, HvmSaveType.Cpu, cpu);
        Assert.Equal(0, HvmContextTool.Print(records.ToArray(), _output, _errors));
        string text = _output.ToString();
        Assert.Contains("            rip 0x0000000000001000  rflags 0x0000000000000000\n", text);
        Assert.Contains("             cs 0x0010 (          00000000 + 0xffffffff /  0x0a9b)\n", text);
        Assert.Contains("             tr   0000 (          00000000 +     0x0067 /  0x008b)\n", text);
        Assert.Contains("           gdtr        (          00000000 +     0x007f)\n", text);
        Assert.Contains("      shadow gs   0000000000000000   efer         0x00000d01\n", text);
        Assert.DoesNotContain("FPU", text);
    }

    [Fact]
    public void TheFpuIsShownWhenItWasUsed()
    {
        HvmHwCpu cpu = new() { Flags = 1 };
        Span<byte> image = cpu.FpuRegisters;
        (image[0], image[1], image[24], image[25]) = (0x7F, 0x03, 0x80, 0x1F);
        image[160] = 0xAA;
        List<byte> records = [];
        Add(records, HvmSaveType.Cpu, cpu);
        HvmContextTool.Print(records.ToArray(), _output, _errors);
        Assert.Contains("    FPU:    fcw 0x037f fsw 0x0000\n            ftw 0x00 (0x00) fop 0x0000\n", _output.ToString());
        Assert.Contains("          mxcsr 0x00001f80 mask 0x00000000\n", _output.ToString());
        Assert.Contains("          xmm00 0x000000000000000000000000000000aa\n", _output.ToString());
    }

    [Fact]
    public void ARecordThatIsCutOffIsAnError()
    {
        List<byte> records = [];
        Add(records, HvmSaveType.Header, new HvmSaveHeader());
        Assert.Equal(1, HvmContextTool.Print(records.ToArray().AsSpan(0, 20), _output, _errors));
        Assert.Equal("Error: need another 24 bytes, only 12 available\n", _errors.ToString());
    }

    [Theory]
    [InlineData("plain\ttext\n", "plain\ttext\n")]
    [InlineData("\u0001\u00ff", @"\x01\xff")]
    [InlineData("cut\0off", "cut")]
    public void ContentsAreEscaped(string contents, string shown) => Assert.Equal(shown, HypFsTool.Escape(Encoding.Latin1.GetBytes(contents)));

    [Theory]
    [InlineData(HypFsType.Direction, "<dir>   ")]
    [InlineData(HypFsType.Bool, "<bool>  ")]
    [InlineData((HypFsType)77, "<???>   ")]
    public void TypesHaveXensForm(HypFsType type, string text) => Assert.Equal(text, HypFsTool.TypeOf(new HypFsNode("a", type, HypFsEncoding.Plain, 0, 0)));

    private static void Add<T>(List<byte> records, HvmSaveType type, T record)
        where T : unmanaged
    {
        byte[] bytes = MemoryMarshal.AsBytes(new Span<T>(ref record)).ToArray();
        HvmSaveDescriptor descriptor = new() { TypeCode = (ushort)type, Length = (uint)bytes.Length };
        records.AddRange(MemoryMarshal.AsBytes(new Span<HvmSaveDescriptor>(ref descriptor)).ToArray());
        records.AddRange(bytes);
    }
}
