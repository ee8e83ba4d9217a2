// SPDX-License-Identifier: MIT
// The state in which a vCPU starts: as a PVH guest's first, or by an INIT and a start-up vector.

using System;
using System.Buffers.Binary;
using XenSharp.X64.Machine;

namespace XenSharp.X64.Svm;

// SAFETY: the extended state is 3 KiB of the vCPU's own page, see SvmVcpu.cs.
internal sealed partial class SvmVcpu
{
    public override void ResetToPvhEntry(uint entry, uint startInfo)
    {
        ResetCommon();
        Vmcb.Cr0 = 0x11;
        SetSegment(ref Vmcb.Cs, 0, 0xc9b, uint.MaxValue, 0);
        SetSegment(ref Vmcb.Ds, 0, 0xc93, uint.MaxValue, 0);
        Vmcb.Es = Vmcb.Fs = Vmcb.Gs = Vmcb.Ss = Vmcb.Ds;
        SetSegment(ref Vmcb.Tr, 0, 0x08b, 0x67, 0);
        Vmcb.Rip = entry;
        Frame.Rbx = startInfo;
    }

    public override void ResetToStartup(byte vector)
    {
        ResetCommon();
        Vmcb.Cr0 = 0x10;
        SetSegment(ref Vmcb.Cs, (ushort)(vector << 8), 0x09b, 0xffff, (ulong)vector << 12);
        SetSegment(ref Vmcb.Ds, 0, 0x093, 0xffff, 0);
        Vmcb.Es = Vmcb.Fs = Vmcb.Gs = Vmcb.Ss = Vmcb.Ds;
        SetSegment(ref Vmcb.Tr, 0, 0x08b, 0xffff, 0);
        Vmcb.Rip = 0;
    }

    private void ResetCommon()
    {
        ulong vmcb = Frame.Vmcb, host = Frame.HostVmcb;
        Frame = default;
        Frame.Vmcb = vmcb;
        Frame.HostVmcb = host;
        SetSegment(ref Vmcb.Ldtr, 0, 0x082, 0xffff, 0);
        SetSegment(ref Vmcb.Gdtr, 0, 0, 0xffff, 0);
        SetSegment(ref Vmcb.Idtr, 0, 0, 0xffff, 0);
        Vmcb.PrivilegeLevel = 0;
        Vmcb.Efer = Msr.EferSvm;
        Vmcb.Cr2 = 0;
        Vmcb.Cr3 = 0;
        Vmcb.Cr4 = 0;
        Vmcb.Dr6 = 0xffff_0ff0;
        Vmcb.Dr7 = 0x400;
        Vmcb.Rflags = ReservedFlags;
        Vmcb.Rsp = 0;
        Vmcb.Rax = 0;
        Vmcb.Star = Vmcb.LStar = Vmcb.CStar = Vmcb.SyscallMask = Vmcb.KernelGsBase = 0;
        Vmcb.SysenterCs = Vmcb.SysenterEsp = Vmcb.SysenterEip = 0;
        Vmcb.Pat = 0x0007_0406_0007_0406;
        InterruptInjection.SetPendingEvent(ref Vmcb, 0);
        Vmcb.InterruptShadow = 0;
        Vcpu.EnabledStates = 1;
        ClearExtendedState();
    }

    // The state after reset: x87 control word 37f, MXCSR 1f80.
    private unsafe void ClearExtendedState()
    {
        Span<byte> area = new(ExtendedState, ExtendedStateSize);
        area.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(area, 0x37f);
        BinaryPrimitives.WriteUInt32LittleEndian(area.Slice(24), 0x1f80);
    }
}
