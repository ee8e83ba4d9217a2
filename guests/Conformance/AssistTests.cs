// SPDX-License-Identifier: MIT
// vm_assist (`xen/include/public/xen.h`, VMASST_*).

using System;

namespace XenSharp.Guests.Conformance;

internal static class AssistTests
{
    public static void Run()
    {
        Probe.Section("vm_assist"u8);
        foreach (uint type in (ReadOnlySpan<uint>)[0, 1, 2, 3, 4, 5, 6, 7, 16, 31, 32, 33, 63, 64, 65, 1000, 0xffffffff])
        {
            Probe.Numbered("enable("u8, type, Hypercall.Make(Call.VmAssist, 0, type));
            Probe.Numbered("disable("u8, type, Hypercall.Make(Call.VmAssist, 1, type));
        }

        foreach (uint command in (ReadOnlySpan<uint>)[2, 3, 0xffffffff])
            Probe.Numbered("vm_assist(type 5, command "u8, command, Hypercall.Make(Call.VmAssist, command, 5));
        RunstateFlag();
    }

    // With VMASST_TYPE_runstate_update_flag the top bit of state_entry_time is set while the area is written.
    private static void RunstateFlag()
    {
        Page area = new(7);
        area.Clear();
        Probe.A.Clear().Put64(0, area.Address);
        Hypercall.Make(Call.VmAssist, 0, 5);
        Probe.Is("register_runstate_memory_area with update flag"u8, Hypercall.Make(Call.VcpuOp, 5, 0, Probe.At));
        // 32-bit code has no padding behind the state.
        ulong entry = area.Get64(Hypercall.IsNarrow ? 4 : 8);
        Report.Flag("flag left set"u8, entry >> 63 != 0);
        Report.Class("entry"u8, entry);
        Probe.A.Clear();
        Hypercall.Make(Call.VcpuOp, 5, 0, Probe.At);
    }
}
