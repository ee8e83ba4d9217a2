// SPDX-License-Identifier: MIT
// Event channels as the tests of this kernel use them: upcalls by callback vector, ports bound and unmasked.

namespace XenSharp.Guests.Basics;

internal static class EventPorts
{
    private static Page Argument => new(1);

    /// <summary>Shared info, local APIC, upcalls; gives the boot vCPU's timer port.</summary>
    public static uint SetUp()
    {
        Check(Events.MapSharedInfo(), "shared info"u8);
        LocalApic.Enable();
        Check(Events.UseCallbackVector(), "callback vector"u8);
        return BindTimer(0);
    }

    public static uint BindTimer(uint vcpu)
    {
        Argument.Clear().Put32(4, vcpu);
        Check(Hypercall.Make(Call.EventChannelOp, 1, Argument.Address), "bind_virq(timer)"u8);
        Events.ClearMask(Argument.Get32(8));
        return Argument.Get32(8);
    }

    public static uint BindIpi(uint vcpu)
    {
        Argument.Clear().Put32(0, vcpu);
        Check(Hypercall.Make(Call.EventChannelOp, 7, Argument.Address), "bind_ipi"u8);
        Events.ClearMask(Argument.Get32(4));
        return Argument.Get32(4);
    }

    /// <summary>EVTCHNOP_send; the argument page is the calling vCPU's own.</summary>
    public static long Send(uint port)
    {
        Page argument = new(16 + Smp.Current);
        argument.Put32(0, port);
        return Hypercall.Make(Call.EventChannelOp, 4, argument.Address);
    }

    public static void Check(long result, System.ReadOnlySpan<byte> what)
    {
        if (result >= 0)
            return;
        Report.Begin(what);
        Report.Signed("failed"u8, result);
        Machine.Fail("a step of the set-up failed"u8);
    }
}
