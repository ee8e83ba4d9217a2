// SPDX-License-Identifier: MIT
// console_io (`xen/include/public/xen.h`, CONSOLEIO_*).

namespace XenSharp.Guests.Conformance;

internal static class ConsoleTests
{
    public static void Run()
    {
        Probe.Section("console_io"u8);
        Page a = Probe.A;
        Report.Flush();
        a.Clear();
        "a line by console_io\n"u8.CopyTo(a.Bytes);
        Probe.Is("console_io(write, 21)"u8, Hypercall.Make(Call.ConsoleIo, 0, 21, a.Address));
        Probe.Is("console_io(write, 0, unmapped)"u8, Hypercall.Make(Call.ConsoleIo, 0, 0, Probe.Unmapped));
        Probe.Is("console_io(read, 0)"u8, Hypercall.Make(Call.ConsoleIo, 1, 0, a.Address));
        Probe.Is("console_io(read, 100)"u8, Hypercall.Make(Call.ConsoleIo, 1, 100, a.Address));
        Probe.Is("console_io(read, 100, unmapped)"u8, Hypercall.Make(Call.ConsoleIo, 1, 100, Probe.Unmapped));
        Probe.Is("console_io(read, 2^31)"u8, Hypercall.Make(Call.ConsoleIo, 1, 0x80000000, a.Address));
        Probe.BadThirdPointers("console_io(write, 16)"u8, Call.ConsoleIo, 0, 16);
        Probe.BadThirdPointers("console_io(write, 2^32 - 1)"u8, Call.ConsoleIo, 0, 0xffffffff);
        Probe.BadThirdPointers("console_io(read, 2^32 - 1)"u8, Call.ConsoleIo, 1, 0xffffffff);
        foreach (uint command in (System.ReadOnlySpan<uint>)[2, 3, 0xffffffff])
            Probe.Numbered("console_io("u8, command, Hypercall.Make(Call.ConsoleIo, command, 1, a.Address));
    }
}
