// SPDX-License-Identifier: MIT
// Event channels in the FIFO format (`xen/include/public/event_channel.h`, EVTCHN_FIFO_*); ends with a reset.

using System;

namespace XenSharp.Guests.Conformance;

internal static class FifoTests
{
    private static Page A => Probe.A;

    private static Page Control => new(8);

    private static Page Words => new(9);

    public static void Run()
    {
        Probe.Section("event_channel_op, FIFO"u8);
        Probe.Is("expand_array before init_control"u8, Expand(Words.Frame));
        Probe.Is("set_priority before init_control"u8, Priority(1, 0));
        Control.Clear();
        Words.Clear();
        EventTests.BindIpi(0);
        uint early = A.Get32(4);
        Events.ClearMask(early);
        EventTests.Send(early);
        Probe.Is("init_control(offset 4)"u8, Init(Control.Frame, 4, 0));
        Probe.Is("init_control(offset 4032)"u8, Init(Control.Frame, 4032, 0));
        Probe.Is("init_control(offset 4096)"u8, Init(Control.Frame, 4096, 0));
        Probe.Is("init_control(offset 2^32 - 8)"u8, Init(Control.Frame, 0xfffffff8, 0));
        Probe.Is("init_control(vcpu 1)"u8, Init(Control.Frame, 0, 1));
        Probe.Is("init_control(vcpu 2^32 - 1)"u8, Init(Control.Frame, 0, 0xffffffff));
        Probe.Is("init_control(frame 2^40)"u8, Init(1UL << 40, 0, 0));
        Probe.Is("init_control(frame of a hole)"u8, Init(0xf0000, 0, 0));
        Probe.Is("init_control(good)"u8, Init(Control.Frame, 0, 0));
        Report.Decimal("link_bits"u8, A.Get8(16));
        Probe.Is("init_control(again)"u8, Init(Control.Frame, 64, 0));
        Probe.Is("expand_array(frame 2^40)"u8, Expand(1UL << 40));
        Probe.Is("expand_array(frame of a hole)"u8, Expand(0xf0000));
        Probe.Is("expand_array(good)"u8, Expand(Words.Frame));
        Word("early port: pending in the old format"u8, early);
        State("control block"u8);
        Probe.Is("expand_array(second)"u8, Expand(new Page(10).Clear().Frame));
        Priorities(early);
        Queue();
        ManyPorts();
        EventTests.Status("status(early)"u8, Probe.Self, early);
        Probe.Is("send(2000)"u8, EventTests.Send(2000));
        Probe.Is("send(131072)"u8, EventTests.Send(131072));
        Probe.Is("unmask(2000)"u8, EventTests.OnPort(9, 2000));
        A.Clear().Put16(0, Probe.Self);
        Probe.Is("reset(self)"u8, EventTests.Op(10));
        Probe.Is("expand_array after reset"u8, Expand(Words.Frame));
        EventTests.AllocUnbound(Probe.Self, Probe.Self);
        Report.Begin("first port afterwards"u8);
        Report.Decimal("port"u8, A.Get32(4));
        EventTests.Close(A.Get32(4));
        Probe.Is("init_control(after reset)"u8, Init(Control.Clear().Frame, 128, 0));
        A.Clear().Put16(0, Probe.Self);
        Probe.Is("reset(self)"u8, EventTests.Op(10));
    }

    private static long Init(ulong frame, uint offset, uint vcpu)
    {
        A.Clear().Put64(0, frame).Put32(8, offset).Put32(12, vcpu);
        return EventTests.Op(11);
    }

    private static long Expand(ulong frame)
    {
        A.Clear().Put64(0, frame);
        return EventTests.Op(12);
    }

    private static long Priority(uint port, uint priority)
    {
        A.Clear().Put32(0, port).Put32(4, priority);
        return EventTests.Op(13);
    }

    private static void Word(ReadOnlySpan<byte> text, uint port)
    {
        Report.Begin(text);
        Report.Decimal("port"u8, port);
        Report.Hex("word"u8, Words.Get32((int)port * 4));
    }

    private static void State(ReadOnlySpan<byte> text)
    {
        Report.Begin(text);
        Report.Hex("ready"u8, Control.Get32(0));
        for (int i = 0; i < 16; i++)
        {
            Report.Add(" "u8);
            Text digits = new(stackalloc byte[20]);
            digits.Decimal(Control.Get32(8 + (4 * i)));
            Report.Add(digits.Bytes);
        }
    }

    private static void Priorities(uint port)
    {
        foreach (uint priority in (ReadOnlySpan<uint>)[0, 7, 15, 16, 0xffffffff])
            Probe.Numbered("set_priority("u8, priority, Priority(port, priority));
        Probe.Is("set_priority(port 0)"u8, Priority(0, 7));
        Probe.Is("set_priority(free port)"u8, Priority(500, 7));
        Probe.Is("set_priority(port 2000)"u8, Priority(2000, 7));
        Probe.Is("set_priority(port 2^32 - 1)"u8, Priority(0xffffffff, 7));
    }

    private static uint NewIpi(uint priority)
    {
        EventTests.BindIpi(0);
        uint port = A.Get32(4);
        Priority(port, priority);
        return port;
    }

    private static void Queue()
    {
        uint a = NewIpi(3), b = NewIpi(3), c = NewIpi(9);
        Word("new port"u8, a);
        Probe.Is("send(a)"u8, EventTests.Send(a));
        Word("a"u8, a);
        State("control block"u8);
        EventTests.Send(b);
        EventTests.Send(c);
        Word("a"u8, a);
        Word("b"u8, b);
        Word("c"u8, c);
        State("control block after b, c"u8);
        Probe.Is("send(a, already linked)"u8, EventTests.Send(a));
        Word("a"u8, a);

        // Consumed as a guest does: unlink the head, clear pending.
        Words.Word((int)a * 4) &= ~((1u << 31) | (1u << 29) | 0x1ffff);
        Control.Word(8 + (4 * 3)) = b;
        Probe.Is("send(a) after it was consumed"u8, EventTests.Send(a));
        Word("a"u8, a);
        Word("b"u8, b);
        uint d = NewIpi(3);
        Words.Word((int)d * 4) |= 1u << 30;
        Probe.Is("send(masked)"u8, EventTests.Send(d));
        Word("masked"u8, d);
        Words.Word((int)d * 4) &= ~(1u << 30);
        Probe.Is("unmask(d)"u8, EventTests.OnPort(9, d));
        Word("unmasked"u8, d);
        Word("a"u8, a);
        Words.Word((int)d * 4) |= 1u << 30;
        Probe.Is("unmask(d), masked and linked"u8, EventTests.OnPort(9, d));
        Word("d"u8, d);
        Probe.Is("close(d), pending"u8, EventTests.Close(d));
        Word("d"u8, d);
        EventTests.BindIpi(0);
        Word("the port again"u8, A.Get32(4));
        Report.Flag("same"u8, A.Get32(4) == d);
    }

    // With two pages of words 2,048 ports; more need more pages.
    private static void ManyPorts()
    {
        uint count = 0;
        long result;
        do
        {
            result = EventTests.AllocUnbound(Probe.Self, Probe.Self);
            count++;
        }
        while (result == 0 && count < 4000);
        Probe.Is("alloc_unbound until it fails"u8, result);
        Report.Decimal("allocated"u8, count - 1);
    }
}
