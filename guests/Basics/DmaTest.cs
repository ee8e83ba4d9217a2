// SPDX-License-Identifier: MIT
// What a device can reach: QEMU's `edu`, which copies between memory and a buffer of its own (QEMU, docs/specs/edu).

namespace XenSharp.Guests.Basics;

/// <summary>Each place is written by the device and read back by it; the answer is whether the same came back.</summary>
internal static class DmaTest
{
    private const uint Edu = 0x11e8_1234, Enable = 0x8000_0000;
    private const ulong Source = 0x80, Destination = 0x88, Count = 0x90, Command = 0x98, Buffer = 0x4_0000;
    private const uint Run = 1, ToMemory = 2;
    // The machine's, and not that of a domain with 128 MiB; the device's addresses have 28 bits.
    private const ulong Beyond = 0xf00_0000;

    private const int Size = 256;

    private static ulong s_registers;

    private static Page Pattern => new(1);

    private static Page Result => new(2);

    private static Page Argument => new(3);

    private static Page Given => new(4);

    public static void Start()
    {
        if (!Find())
            Machine.Fail("there is no edu device"u8);
        Say("own memory"u8, Reaches(Given.Address, 1));
        Report.Begin("dma as the processor sees it"u8);
        Report.Flag("works"u8, IsPattern(Given));
        Say("beyond the memory"u8, Reaches(Beyond, 2));
        Reserve(1, "decrease_reservation"u8);
        Say("given-up page"u8, Reaches(Given.Address, 3));
        Reserve(6, "populate_physmap"u8);
        Say("page that came back"u8, Reaches(Given.Address, 4));
    }

    private static void Say(System.ReadOnlySpan<byte> place, bool works)
    {
        Report.Begin("dma "u8);
        Report.Add(place);
        Report.Flag("works"u8, works);
    }

    private static bool Find()
    {
        const uint busMasterAndMemory = 6;
        for (uint device = 0; device < 32; device++)
        {
            uint function = Enable | (device << 11);
            if (Read(function) != Edu)
                continue;
            s_registers = Read(function | 0x10) & ~15u;
            uint command = Read(function | 4);
            Machine.Out32(0xcfc, command | busMasterAndMemory);
            return true;
        }

        return false;
    }

    private static uint Read(uint register)
    {
        Machine.Out32(0xcf8, register);
        return Machine.In32(0xcfc);
    }

    private static bool Reaches(ulong address, byte seed)
    {
        for (int i = 0; i < Size; i++)
            Pattern.Put8(i, (byte)((i * 7) + seed));
        Copy(Pattern.Address, Buffer, 0);
        Copy(Buffer, address, ToMemory);
        Result.Fill(0);
        Copy(Result.Address, Buffer, 0);
        Copy(address, Buffer, 0);
        Copy(Buffer, Result.Address, ToMemory);
        return IsPattern(Result);
    }

    private static bool IsPattern(Page page)
    {
        for (int i = 0; i < Size; i++)
        {
            if (page.Get8(i) != Pattern.Get8(i))
                return false;
        }

        return true;
    }

    private static void Copy(ulong from, ulong to, uint direction)
    {
        Write(Source, (uint)from);
        Write(Destination, (uint)to);
        Write(Count, Size);
        Write(Command, Run | direction);
        uint command = Run;
        while ((command & Run) != 0)
        {
            Hypercall.Make(Call.SchedOp, 0);
            if (!Machine.TryRead32(s_registers + Command, out command))
                Machine.Fail("the device's registers cannot be read"u8);
        }
    }

    private static void Write(ulong register, uint value)
    {
        if (!Machine.TryWrite32(s_registers + register, value))
            Machine.Fail("the device's registers cannot be written"u8);
    }

    // struct xen_memory_reservation with one extent of one page.
    private static void Reserve(uint operation, System.ReadOnlySpan<byte> name)
    {
        const ushort self = 0x7ff0;
        Argument.Clear().Put64(0, Argument.Address + 64).Put64(8, 1).Put16(24, self).Put64(64, Given.Frame);
        Report.Begin(name);
        Report.Signed("result"u8, Hypercall.Make(Call.MemoryOp, operation, Argument.Address));
    }
}
