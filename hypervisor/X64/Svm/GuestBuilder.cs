// SPDX-License-Identifier: MIT
// The port's half of a new domain: nested page table, and per vCPU the VMCB.

using System;
using XenSharp.Core;
using XenSharp.Core.Boot;
using XenSharp.Core.CpuPolicy;
using XenSharp.Core.Domains;
using XenSharp.Core.Emulation;
using XenSharp.Edge;
using XenSharp.X64.Machine;
using XenSharp.X64.Paging;
using XenSharp.X64.Runtime;

namespace XenSharp.X64.Svm;

/// <summary>Makes what the creation of domains asks of the port.</summary>
// SAFETY: pages come from the frame allocator and belong to the vCPU until Release, or to the host for good.
internal sealed class GuestBuilder(Host host) : GuestFactory
{
    private readonly ulong _msrPermissions = BuildMsrPermissions(host);

    // All domains but dom0 share one map: every port exits.
    private readonly ulong _closedPorts = BuildClosedPorts(host);

    public override P2m? CreateP2m(FrameSource tables)
    {
        if (!tables.TryAllocate(out Mfn root))
            return null;
        return new NestedPageTable(host.Memory, tables, root, CpuFeatures.HasGigabytePages);
    }

    public override VcpuContext? CreateContext(Domain domain)
    {
        if (!TryTakePage(out ulong vmcbAddress))
            return null;
        if (!TryTakePage(out ulong frameAddress))
        {
            host.Allocator.Free(Mfn.Containing(vmcbAddress), 0, host.CurrentProcessor);
            return null;
        }

        SvmVcpu vcpu = new(vmcbAddress, frameAddress);
        ref Vmcb vmcb = ref vcpu.Vmcb;
        vmcb.InterceptCrWrite = 1 << 4;
        vmcb.Intercept1 = Svm.InterceptIntr | Svm.InterceptNmi | Svm.InterceptInit | Svm.InterceptRdpmc | Svm.InterceptCpuid | Svm.InterceptInvd | Svm.InterceptHlt
            | Svm.InterceptInvlpga | Svm.InterceptIo | Svm.InterceptMsr | Svm.InterceptTaskSwitch | Svm.InterceptShutdown;
        vmcb.Intercept2 = Svm.InterceptVmrun | Svm.InterceptVmmcall | Svm.InterceptVmload | Svm.InterceptVmsave | Svm.InterceptStgi | Svm.InterceptClgi | Svm.InterceptSkinit
            | Svm.InterceptMonitor | Svm.InterceptMwait | Svm.InterceptXsetbv;
        vmcb.InterceptExceptions = 1u << 18;
        vmcb.IoPermissionMap = !domain.IsHardware ? _closedPorts
            : domain.Vcpus[0] == null ? BuildIoPermissions(domain) : ((SvmVcpu)domain.Vcpus[0]!.Context).Vmcb.IoPermissionMap;
        vmcb.MsrPermissionMap = _msrPermissions;
        vmcb.AddressSpaceId = 1;
        vmcb.NestedControl = 1;
        vmcb.NestedCr3 = ((NestedPageTable)domain.P2m).RootAddress;
        vmcb.VirtualInterrupt = Svm.VirtualInterruptMasking;
        vmcb.Pat = 0x0007_0406_0007_0406;
        return vcpu;
    }

    public override void Attach(VcpuContext context, Core.Vcpus.Vcpu vcpu)
    {
        SvmVcpu registers = (SvmVcpu)context;
        registers.Vcpu = vcpu;
        registers.Translation = (NestedPageTable)vcpu.Domain.P2m;
        if (vcpu.Domain.IsHardware)
            ShowMachineMsrs(vcpu.Msrs);
    }

    public override void Release(VcpuContext context, Processor caller)
    {
        SvmVcpu registers = (SvmVcpu)context;
        host.Allocator.Free(Mfn.Containing(registers.Frame.Vmcb), 0, caller);
        host.Allocator.Free(Mfn.Containing(registers.FrameAddress), 0, caller);
    }

    // dom0 finds the memory types as the firmware has left them.
    private static unsafe void ShowMachineMsrs(VcpuMsrs msrs)
    {
        const uint firstRange = 0x200;
        msrs.Pat = VcpuMsrs.HostPat;
        for (int i = 0; i < msrs.MtrrVariable.Length; i++)
        {
            ulong value;
            if (Assembly.TryReadMsr(firstRange + (uint)i, &value) != 0)
                msrs.MtrrVariable[i] = value;
        }
    }

    // 12 KiB: one bit per port, set = exit.
    private static unsafe ulong BuildClosedPorts(Host host)
    {
        Mfn frame = TakeBlock(host, 2);
        new Span<byte>(DirectMap.At(frame.Address), 4 * FrameSize.Bytes).Fill(0xff);
        return frame.Address;
    }

    // All vCPUs of the domain share it.
    private unsafe ulong BuildIoPermissions(Domain domain)
    {
        ulong address = BuildClosedPorts(host);
        byte* map = DirectMap.At(address);
        for (int port = 0; port < 0x10000; port++)
        {
            if (!domain.Ports.MustIntercept((ushort)port))
                map[port >> 3] &= (byte)~(1 << (port & 7));
        }

        return address;
    }

    // 8 KiB: two bits per MSR, set = exit. Those that VMLOAD and VMRUN switch belong to the guest.
    private static unsafe ulong BuildMsrPermissions(Host host)
    {
        Mfn frame = TakeBlock(host, 1);
        byte* map = DirectMap.At(frame.Address);
        new Span<byte>(map, 2 * FrameSize.Bytes).Fill(0xff);
        ReadOnlySpan<uint> owned = [0x174, 0x175, 0x176, 0xc000_0081, 0xc000_0082, 0xc000_0083, 0xc000_0084, Msr.FsBase, Msr.GsBase, Msr.KernelGsBase];
        foreach (uint index in owned)
        {
            int bit = (int)(index & 0x1fff) * 2;
            int start = index >= 0xc001_0000 ? 0x1000 : index >= 0xc000_0000 ? 0x800 : 0;
            map[start + (bit >> 3)] &= (byte)~(3 << (bit & 7));
        }

        return frame.Address;
    }

    private bool TryTakePage(out ulong address)
    {
        address = 0;
        if (!host.Allocator.TryAllocate(0, host.CurrentProcessor, out Mfn frame))
            return false;
        host.Memory.Clear(frame);
        address = frame.Address;
        return true;
    }

    private static Mfn TakeBlock(Host host, int order)
    {
        if (!host.Allocator.TryAllocate(order, host.CurrentProcessor, out Mfn frame))
            EarlyConsole.Stop("no memory for the permission maps of guests"u8);
        return frame;
    }
}
