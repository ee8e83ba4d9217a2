// SPDX-License-Identifier: MIT
// The ACPI tables of a PVH guest: the same tables with the same contents as tools/libacpi/build.c of Xen makes for one, but for the DSDT, which has processor objects
// for the guest's own vCPUs only and no handler of an event that PVH guests never get. Used by DomainBuilder.

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;

namespace XenSharp.Toolstack.Building;

/// <param name="Rsdp">The root pointer, 64 bytes.</param>
/// <param name="Info">The page at <see cref="GuestLayout.AcpiInfo"/> that hvmloader's DSDT would read.</param>
/// <param name="Tables">What lies behind that page, whole pages.</param>
internal sealed record AcpiTables(byte[] Rsdp, byte[] Info, byte[] Tables)
{
    private const int HeaderSize = 36, FadtSize = 268, OldFadtSize = 116, RsdpSize = 36, OldRsdpSize = 20, LapicSize = 8, MadtSize = 44, FacsSize = 64;
    private const uint LapicAddress = 0xFEE0_0000;
    private const ushort Pm1Event = 0xB000, Pm1Control = 0xB004, PmTimer = 0xB008, Gpe0 = 0xAFE0;

    /// <param name="vcpus">How many there can be.</param>
    /// <param name="isOnline">Which of them are there at the start.</param>
    /// <param name="hasLocalApic">The configuration's apic=; with several vCPUs there is a MADT anyway.</param>
    public static AcpiTables Build(int vcpus, Func<int, bool> isOnline, bool hasLocalApic)
    {
        Area area = new(GuestLayout.AcpiTables);
        byte[] info = new byte[GuestLayout.PageSize], rsdp = new byte[64];

        byte[] facs = new byte[FacsSize];
        "FACS"u8.CopyTo(facs);
        Put32(facs, 4, FacsSize);
        facs[32] = 1;
        uint facsAddress = area.Add(facs, 64);

        byte[]? madt = vcpus > 1 || hasLocalApic ? Madt(vcpus, isOnline) : null;
        // The processors in the DSDT read the MADT, whose place depends on the DSDT's size: that does not depend on the address in it.
        uint madtAddress = 0;
        if (madt is not null)
        {
            Area probe = new(area);
            probe.Add(Dsdt(vcpus, 0), 16);
            probe.Add(new byte[OldFadtSize], 16);
            probe.Add(new byte[FadtSize], 16);
            madtAddress = probe.Add(madt, 16);
        }
        uint dsdt = area.Add(Dsdt(vcpus, madtAddress), 16);
        uint oldFadt = area.Add(Fadt(OldFadtSize, 1, dsdt, facsAddress), 16);
        uint fadt = area.Add(Fadt(FadtSize, 5, dsdt, facsAddress), 16);
        List<uint> others = [];
        if (madt is not null)
        {
            others.Add(area.Add(madt, 16));
            Put32(info, 12, others[0] + 9);
            Put32(info, 16, others[0] + MadtSize);
        }
        Put16(info, 2, (ushort)vcpus);

        byte[] xsdt = Table("XSDT", 1, HeaderSize + (8 * (1 + others.Count)));
        Put32(xsdt, HeaderSize, fadt);
        byte[] rsdt = Table("RSDT", 1, HeaderSize + (4 * (1 + others.Count)));
        Put32(rsdt, HeaderSize, oldFadt);
        for (int index = 0; index < others.Count; index++)
        {
            Put32(xsdt, HeaderSize + (8 * (index + 1)), others[index]);
            Put32(rsdt, HeaderSize + (4 * (index + 1)), others[index]);
        }
        uint xsdtAddress = area.Add(Sum(xsdt, 9), 16), rsdtAddress = area.Add(Sum(rsdt, 9), 16);

        "RSD PTR "u8.CopyTo(rsdp);
        "Xen"u8.CopyTo(rsdp.AsSpan(9));
        rsdp[15] = 2;
        Put32(rsdp, 16, rsdtAddress);
        Put32(rsdp, 20, RsdpSize);
        Put32(rsdp, 24, xsdtAddress);
        Sum(rsdp.AsSpan(0, OldRsdpSize), 8);
        Sum(rsdp.AsSpan(0, RsdpSize), 32);
        return new AcpiTables(rsdp, info, area.Finish());
    }

    private static byte[] Madt(int vcpus, Func<int, bool> isOnline)
    {
        byte[] table = Table("APIC", 2, MadtSize + (LapicSize * vcpus));
        Put32(table, 36, LapicAddress);
        Put32(table, 40, 1);        // PCAT_COMPAT
        for (int vcpu = 0; vcpu < vcpus; vcpu++)
        {
            int place = MadtSize + (LapicSize * vcpu);
            table[place + 1] = LapicSize;
            table[place + 2] = (byte)vcpu;
            // The APIC id that the hypervisor gives a vCPU.
            table[place + 3] = (byte)(vcpu * 2);
            table[place + 4] = isOnline(vcpu) ? (byte)1 : (byte)0;
        }
        return Sum(table, 9);
    }

    private static byte[] Fadt(int size, byte revision, uint dsdt, uint facs)
    {
        const uint writeback = 1, c1 = 4, powerButton = 0x10, sleepButton = 0x20, fixedRtc = 0x40, wideTimer = 0x100, platformClock = 0x8000;
        const ushort noVga = 4, noRtc = 0x20;
        bool isOld = revision == 1;
        byte[] table = Table("FACP", revision, size);
        Put32(table, 36, facs);
        Put32(table, 40, dsdt);
        Put16(table, 46, 9);
        Put32(table, 56, Pm1Event);
        Put32(table, 64, Pm1Control);
        Put32(table, 76, isOld ? PmTimer : 0u);
        Put32(table, 80, Gpe0);
        table[88] = 4;
        table[89] = 2;
        table[91] = (byte)(isOld ? 4 : 0);
        table[92] = 4;
        Put16(table, 96, 0x0FFF);
        Put16(table, 98, 0x0FFF);
        Put16(table, 109, isOld ? (ushort)0 : (ushort)(noVga | noRtc));
        Put32(table, 112, writeback | c1 | fixedRtc | wideTimer | platformClock | (isOld ? 0 : powerButton | sleepButton));
        if (!isOld)
        {
            PutPort(table, 116, 8, 0xCF9);
            table[128] = 6;
            Put32(table, 132, facs);
            Put32(table, 140, dsdt);
            PutPort(table, 148, 0x20, Pm1Event);
            PutPort(table, 172, 0x10, Pm1Control);
        }
        return Sum(table, 9);
    }

    private static byte[] Dsdt(int vcpus, uint madt)
    {
        List<byte[]> processors = [];
        for (int vcpu = 0; madt != 0 && vcpu < vcpus; vcpu++)
            processors.Add(Processor((byte)vcpu, madt + MadtSize + (uint)(LapicSize * vcpu)));
        // Of the same size before the MADT's place is known.
        for (int vcpu = 0; madt == 0 && vcpu < vcpus; vcpu++)
            processors.Add(Processor((byte)vcpu, uint.MaxValue));
        byte[] code = Aml.Scope("\\_SB", [.. processors]);
        byte[] table = Table("DSDT", 2, HeaderSize + code.Length);
        code.CopyTo(table, HeaderSize);
        return Sum(table, 9);
    }

    /// <summary>A processor that is there if its entry in the MADT says so.</summary>
    private static byte[] Processor(byte id, uint entry) => Aml.Processor(
        $"PR{id:X2}", id, 0xB010, 6,
        Aml.Named("_HID", Aml.Text("ACPI0007")),
        Aml.Named("_UID", Aml.Integer(id)),
        Aml.MemoryRegion("MATR", entry, LapicSize),
        Aml.Field("MATR", "MAT", 0, 64),
        Aml.Field("MATR", "FLG", 32, 1),
        Aml.Method("_MAT", Aml.Return(Aml.ToBuffer(Aml.Name("MAT")))),
        Aml.Method("_STA", Aml.If(Aml.Name("FLG"), Aml.Return(Aml.Integer(0xF))), Aml.Return(Aml.Integer(0))));

    private static byte[] Table(string signature, byte revision, int size)
    {
        byte[] table = new byte[size];
        Encoding.ASCII.GetBytes(signature, table);
        Put32(table, 4, (uint)size);
        table[8] = revision;
        "Xen"u8.CopyTo(table.AsSpan(10));
        "HVM"u8.CopyTo(table.AsSpan(16));
        "HVML"u8.CopyTo(table.AsSpan(28));
        return table;
    }

    private static byte[] Sum(byte[] table, int place)
    {
        Sum(table.AsSpan(), place);
        return table;
    }

    private static void Sum(Span<byte> table, int place)
    {
        table[place] = 0;
        byte sum = 0;
        foreach (byte value in table)
            sum += value;
        table[place] = (byte)-sum;
    }

    /// <summary>A generic address in I/O space.</summary>
    private static void PutPort(byte[] table, int place, byte bits, ushort port)
    {
        table[place] = 1;
        table[place + 1] = bits;
        Put16(table, place + 4, port);
    }

    private static void Put16(byte[] table, int place, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(table.AsSpan(place), value);

    private static void Put32(byte[] table, int place, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(place), value);

    /// <summary>Tables one behind the other.</summary>
    private sealed class Area(uint start)
    {
        private readonly List<byte> _bytes = [];

        public Area(Area other)
            : this(other.Start) => _bytes.AddRange(other._bytes);

        private uint Start { get; } = start;

        /// <summary>Where it lies.</summary>
        public uint Add(byte[] table, int alignment)
        {
            while ((Start + _bytes.Count) % alignment != 0)
                _bytes.Add(0);
            uint address = Start + (uint)_bytes.Count;
            _bytes.AddRange(table);
            return address;
        }

        public byte[] Finish()
        {
            while (_bytes.Count % GuestLayout.PageSize != 0)
                _bytes.Add(0);
            return [.. _bytes];
        }
    }
}
