// SPDX-License-Identifier: MIT
// One guest under a debugger, with the hypercalls of gdbsx (`xen/include/public/domctl.h`): a breakpoint of its own, single steps, a breakpoint put
// into it, and then it goes on alone.

using XenSharp.Guests.Building;

namespace XenSharp.Guests.Builder;

internal static class DebuggedGuest
{
    private const uint Debugger = 6;
    private const ulong Second = 1_000_000_000, TrapFlag = 0x100;
    private const int RegistersOffset = 520, RipOffset = RegistersOffset + 128, FlagsOffset = RegistersOffset + 144;

    private static ushort s_id;
    private static uint s_port;

    // Struct vcpu_guest_context, and memory of the guest.
    private static Page Context => new(40);

    private static Page Bytes => new(42);

    public static void Run()
    {
        GuestDomain guest = new(0);
        Text words = new(stackalloc byte[16]);
        words.Add("tiny="u8).Decimal((ulong)GuestKind.Break);
        if (!guest.Build(words.Bytes, 2) || Toolstack.BindVirq(Debugger, out s_port) < 0)
            Machine.Fail("the guest cannot be built"u8);
        s_id = guest.Id;
        Say("attached"u8, Start(18).Put32(16, 1));
        ulong rip = GoOn("breakpoint"u8, 0);
        Say("memory"u8, Memory(rip - 1, isWrite: false));
        Report.Hex("byte"u8, Bytes.Get8(0));

        SetFlag(TrapFlag);
        for (int i = 0; i < 3; i++)
            rip = GoOn("step"u8, rip);
        SetFlag(0);
        Say("memory"u8, Memory(rip, isWrite: false));
        byte kept = Bytes.Get8(0);
        Bytes.Put8(0, 0xcc);
        Say("break put in"u8, Memory(rip, isWrite: true));
        rip = GoOn("breakpoint"u8, rip);
        Bytes.Put8(0, kept);
        Say("break taken out"u8, Memory(rip - 1, isWrite: true));
        Load();
        Context.Put64(RipOffset, rip - 1);
        Say("rip set back"u8, Store());
        Say("detached"u8, Start(18).Put32(16, 0));
        Toolstack.Unpause(s_id);
        ulong deadline = Clock.Now() + (20 * Second);
        while (!guest.HasShutDown(out _) && Clock.Now() < deadline)
            Toolstack.Wait(s_port, Clock.Now() + (Second / 20));
        guest.Destroy();
        Report.Line("debugger end"u8);
    }

    // Until the domain is paused again; where its first vCPU is then.
    private static ulong GoOn(System.ReadOnlySpan<byte> what, ulong from)
    {
        Toolstack.Unpause(s_id);
        ulong deadline = Clock.Now() + (20 * Second);
        uint vcpu = 0, noted = 0;
        bool isPaused = false;
        while (!isPaused && Clock.Now() < deadline)
        {
            Start(1003).Put32(24, 0);
            Op();
            isPaused = A.Get8(16) != 0;
            vcpu = A.Get32(20);
            noted = A.Get32(24);
            if (!isPaused)
                Toolstack.Wait(s_port, Clock.Now() + (Second / 100));
        }

        Load();
        ulong rip = Context.Get64(RipOffset);
        Report.Begin(what);
        Report.Flag("paused"u8, isPaused);
        Report.Hex("vcpu"u8, vcpu);
        Report.Decimal("event"u8, noted);
        if (from != 0)
            Report.Decimal("moved"u8, rip - from);
        Report.Flush();
        return rip;
    }

    private static void SetFlag(ulong flag)
    {
        Load();
        Context.Put64(FlagsOffset, (Context.Get64(FlagsOffset) & ~TrapFlag) | flag);
        Say("trap flag"u8, Store());
    }

    private static void Load()
    {
        Start(13).Put64(24, Context.Address);
        Op();
    }

    private static Page Store() => Start(12).Put64(24, Context.Address);

    private static Page Memory(ulong address, bool isWrite) =>
        Start(1000).Put64(24, address).Put64(32, Bytes.Address).Put32(40, 1).Put8(44, isWrite ? (byte)1 : (byte)0);

    private static Page A => new(0);

    private static Page Start(uint command) => A.Clear().Put32(0, command).Put32(4, 0x15).Put16(8, s_id);

    private static long Op() => Hypercall.Make(Call.Domctl, A.Address);

    private static void Say(System.ReadOnlySpan<byte> what, Page argument)
    {
        long result = Hypercall.Make(Call.Domctl, argument.Address);
        Report.Begin(what);
        Report.Signed("result"u8, result);
    }
}
