// SPDX-License-Identifier: MIT
// The calls that a PVH dom0 has only to be refused: xsm_op, xenpmu_op, dm_op, argo_op, mca, kexec_op, mmuext_op.

using System;

namespace XenSharp.Guests.Conformance;

internal static class OtherTests
{
    public static void Run()
    {
        Probe.Section("other calls"u8);
        Page a = Probe.A.Clear();
        for (uint operation = 0; operation < 10; operation++)
        {
            Probe.Numbered("xenpmu_op(zeroed argument, "u8, operation, Hypercall.Make(Call.XenpmuOp, operation, a.Clear().Address));
            Probe.Numbered("xenpmu_op(unmapped, "u8, operation, Hypercall.Make(Call.XenpmuOp, operation, Probe.Unmapped));
        }

        for (uint operation = 0; operation < 6; operation++)
        {
            Probe.Numbered("kexec_op("u8, operation, Hypercall.Make(Call.KexecOp, operation, a.Clear().Address));
            Probe.Numbered("argo_op("u8, operation, Hypercall.Make(Call.ArgoOp, operation, a.Clear().Address));
            Probe.Numbered("tmem_op("u8, operation, Hypercall.Make(Call.TmemOp, operation, a.Clear().Address));
            Probe.Numbered("nmi_op("u8, operation, Hypercall.Make(Call.NmiOp, operation, a.Clear().Address));
            Probe.Numbered("callback_op("u8, operation, Hypercall.Make(Call.CallbackOp, operation, a.Clear().Address));
        }

        Probe.Is("mca(null)"u8, Hypercall.Make(48));
        Probe.Is("mca(page)"u8, Hypercall.Make(48, a.Address));
        Probe.Is("xsm_op(null)"u8, Hypercall.Make(Call.XsmOp));
        Probe.Is("xsm_op(page)"u8, Hypercall.Make(Call.XsmOp, a.Address));
        Probe.Is("paging_domctl_cont(null)"u8, Hypercall.Make(49));
        foreach (ushort domain in (ReadOnlySpan<ushort>)[0, 1, Probe.Self, 0x7ff1, 0x7ff4])
        {
            Probe.Numbered("dm_op(no buffers, domain "u8, domain, Hypercall.Make(Call.DmOp, domain, 0, 0));
            a.Clear().Put64(0, Probe.B.Clear().Address).Put64(8, 64);
            Probe.Numbered("dm_op(operation 0, domain "u8, domain, Hypercall.Make(Call.DmOp, domain, 1, a.Address));
        }

        Probe.Is("dm_op(unmapped buffers, domain 1)"u8, Hypercall.Make(Call.DmOp, 1, 1, Probe.Unmapped));
        Probe.Is("dm_op(2^32 - 1 buffers, domain 1)"u8, Hypercall.Make(Call.DmOp, 1, 0xffffffff, a.Address));
        Mmuext();
    }

    private static void Mmuext()
    {
        Page a = Probe.A;
        Probe.Is("mmuext_op(0 operations)"u8, Hypercall.Make(Call.MmuextOp, a.Clear().Address, 0, 0, Probe.Self));
        for (uint command = 0; command < 24; command++)
        {
            a.Clear().Put32(0, command);
            Probe.Numbered("mmuext_op(zeroed argument, "u8, command, Hypercall.Make(Call.MmuextOp, a.Address, 1, 0, Probe.Self));
        }

        Probe.Is("mmuext_op(nonexistent domain)"u8, Hypercall.Make(Call.MmuextOp, a.Address, 1, 0, 1));
        Probe.Is("mmuext_op(unmapped)"u8, Hypercall.Make(Call.MmuextOp, Probe.Unmapped, 1, 0, Probe.Self));
        Probe.Is("mmuext_op(2^32 - 1 operations, unmapped)"u8, Hypercall.Make(Call.MmuextOp, Probe.Unmapped, 0xffffffff, 0, Probe.Self));
    }
}
