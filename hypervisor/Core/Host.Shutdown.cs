// SPDX-License-Identifier: MIT
// The end of the machine, when the hardware domain has ended.

using XenSharp.Abi;
using XenSharp.Core.Console;

namespace XenSharp.Core;

public sealed partial class Host
{
    private const ulong RebootDelayNs = 5_000_000_000;

    /// <summary>Says why, and halts or restarts the machine as Xen does (hwdom_shutdown). Never returns on a real machine.</summary>
    public void EndWithHardwareDomain(uint reason, Cpu caller)
    {
        int id = HardwareDomain == null ? 0 : HardwareDomain.Id;
        switch ((ShutdownReason)reason)
        {
            case ShutdownReason.PowerOff:
                BeginEnd(caller, id).Text(" halted: halting machine"u8).End();
                Platform.Halt();
                break;
            case ShutdownReason.Crash:
                BeginEnd(caller, id).Text(" crashed: "u8).Text(RebootNotice).End();
                RebootUnlessForbidden();
                break;
            case ShutdownReason.Reboot:
                BeginEnd(caller, id).Text(" shutdown: rebooting machine"u8).End();
                Platform.Reboot();
                break;
            case ShutdownReason.Watchdog:
                BeginEnd(caller, id).Text(" shutdown: watchdog rebooting machine"u8).End();
                Platform.Reboot();
                break;
            case ShutdownReason.SoftReset:
                Console.Begin(caller).Text("Hardware domain "u8).Decimal(id).Text(" did unsupported soft reset, rebooting."u8).End();
                Platform.Reboot();
                break;
            default:
                BeginEnd(caller, id).Text(" shutdown (unknown reason "u8).Decimal(reason).Text("): "u8).Text(RebootNotice).End();
                RebootUnlessForbidden();
                break;
        }
    }

    private System.ReadOnlySpan<byte> RebootNotice =>
        Options.NoReboot ? "'noreboot' set - not rebooting."u8 : "rebooting machine in 5 seconds."u8;

    private LogLine BeginEnd(Cpu caller, int id) => Console.Begin(caller).Text("Hardware Dom"u8).Decimal(id);

    private void RebootUnlessForbidden()
    {
        if (Options.NoReboot)
        {
            Platform.Halt();
            return;
        }

        ulong end = Clock.Now + RebootDelayNs;
        while (Clock.Now < end)
            Memory.Barrier();
        Platform.Reboot();
    }
}
