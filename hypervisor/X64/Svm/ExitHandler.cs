// SPDX-License-Identifier: MIT
// Why a guest left, and what is done about it (AMD APM vol. 2, appendix C).

using System.Runtime.CompilerServices;
using XenSharp.Abi;
using XenSharp.Core;
using XenSharp.Core.Console;
using XenSharp.Core.CpuPolicy;
using XenSharp.Core.Emulation;
using XenSharp.Core.Hypercalls;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using XenSharp.X64.Machine;
using XenSharp.X64.Runtime;

namespace XenSharp.X64.Svm;

/// <summary>One method per exit but the hypercall, which the loop has dispatched; instructions of fixed length are skipped without looking at them.</summary>
internal sealed class ExitHandler(Host host)
{
    private const int InvalidOpcode = 6, GeneralProtection = 13;
    private const ulong Cr4Reserved = ~0x0037_0fffUL;

    public void Handle(SvmVcpu vcpu, Vcpu owner)
    {
        ulong code = vcpu.Vmcb.ExitCode;
        if (code == Svm.ExitCpuid)
        {
            Identify(vcpu, owner);
            return;
        }

        switch (code)
        {
            case Svm.ExitVintr:
                InterruptInjection.EndWindow(vcpu);
                break;
            case Svm.ExitNmi:
            case Svm.ExitInit:
                break;
            case Svm.ExitMsr:
                AccessMsr(vcpu, owner);
                break;
            case Svm.ExitHlt:
                vcpu.SkipInstruction(1);
                host.Scheduler.Halt(owner, (vcpu.Rflags & (1 << 9)) != 0);
                break;
            case Svm.ExitIo:
                AccessPort(vcpu, owner);
                break;
            case Svm.ExitNestedPageFault:
                AccessMemory(vcpu, owner);
                break;
            case Svm.ExitCrWrite + 4:
                WriteCr4(vcpu, owner);
                break;
            case Svm.ExitXsetbv:
                SetExtendedControl(vcpu, owner);
                break;
            case Svm.ExitInvd:
                vcpu.SkipInstruction(2);
                break;
            case Svm.ExitIret:
                // The instruction runs again, now unseen; the next NMI may come, or the interrupt that waited behind another.
                vcpu.IsInNmi = false;
                vcpu.Vmcb.Intercept1 &= ~Svm.InterceptIret;
                break;
            case Svm.ExitRdpmc:
                vcpu.InjectException(GeneralProtection, 0);
                break;
            case Svm.ExitVmrun or Svm.ExitVmload or Svm.ExitVmsave or Svm.ExitStgi or Svm.ExitClgi or Svm.ExitSkinit or Svm.ExitInvlpga or Svm.ExitMonitor or Svm.ExitMwait:
                vcpu.InjectException(InvalidOpcode, -1);
                break;
            case Svm.ExitException + Svm.DebugVector or Svm.ExitException + Svm.BreakpointVector or Svm.ExitSoftwareInterrupt:
                DebugExits.Handle(vcpu, owner);
                break;
            case Svm.ExitShutdown:
                EndByTripleFault(vcpu, owner);
                break;
            default:
                Crash(vcpu, owner, (uint)code == uint.MaxValue ? "the CPU refuses its state (VMEXIT_INVALID)"u8 : "unexpected exit"u8);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Identify(SvmVcpu vcpu, Vcpu owner)
    {
        if (owner.Msrs.MiscFeatures != 0 && vcpu.PrivilegeLevel != 0)
        {
            vcpu.InjectException(GeneralProtection, 0);
            return;
        }

        // Not every CPU reports XSETBV: what leaf 0xd shows is what the guest has really enabled.
        uint leaf = (uint)vcpu.Rax;
        if (leaf == 0xd && CpuFeatures.HasXsave)
            owner.EnabledStates = Assembly.ReadXcr0();
        ref GuestFrame frame = ref vcpu.Frame;
        Core.CpuPolicy.CpuidLeaf result = owner.Domain.Cpuid.Leaf(owner, leaf, (uint)frame.Rcx);
        vcpu.Rax = result.Eax;
        frame.Rbx = result.Ebx;
        frame.Rcx = result.Ecx;
        frame.Rdx = result.Edx;
        vcpu.SkipInstruction(2);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AccessMsr(SvmVcpu vcpu, Vcpu owner)
    {
        uint index = (uint)vcpu.Rcx;
        InterruptInjection.TakeTaskPriority(vcpu, owner);
        bool isWrite = (vcpu.Vmcb.ExitInfo1 & 1) != 0;
        ulong value = isWrite ? (uint)vcpu.Rax | (vcpu.Rdx << 32) : 0;
        bool done;
        if (index == Msr.Efer)
            done = isWrite ? WriteEfer(vcpu, value) : ReadEfer(vcpu, out value);
        else
            done = isWrite ? MsrPolicy.Write(owner, index, value) : MsrPolicy.Read(owner, index, out value);
        InterruptInjection.GiveTaskPriority(vcpu, owner);
        if (!done)
        {
            vcpu.InjectException(GeneralProtection, 0);
            return;
        }

        if (!isWrite)
        {
            vcpu.Rax = (uint)value;
            vcpu.Rdx = value >> 32;
        }

        vcpu.SkipInstruction(2);
    }

    private static bool ReadEfer(SvmVcpu vcpu, out ulong value)
    {
        value = vcpu.Efer;
        return true;
    }

    // SCE, LME, NXE and FFXSR may change; LMA follows paging; LME may not change while paging is on.
    private static bool WriteEfer(SvmVcpu vcpu, ulong value)
    {
        const ulong allowed = Msr.EferSyscall | Msr.EferLongModeEnable | Msr.EferLongModeActive | Msr.EferNoExecute | (1 << 14);
        ulong current = vcpu.Efer;
        if ((value & ~allowed) != 0)
            return false;
        if ((vcpu.Cr0 & (1UL << 31)) != 0 && ((value ^ current) & Msr.EferLongModeEnable) != 0)
            return false;
        vcpu.Vmcb.Efer = (value & ~Msr.EferLongModeActive) | (current & Msr.EferLongModeActive) | Msr.EferSvm;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void WriteCr4(SvmVcpu vcpu, Vcpu owner)
    {
        // mov cr4, reg: 0f 22 /4, with an optional REX prefix that extends the register.
        System.Span<byte> bytes = stackalloc byte[4];
        bytes.Clear();
        GuestCode.Fetch(owner, bytes);
        int start = (bytes[0] & 0xf0) == 0x40 && vcpu.Is64Bit ? 1 : 0;
        if (bytes[start] != 0x0f || bytes[start + 1] != 0x22)
        {
            vcpu.InjectException(InvalidOpcode, -1);
            return;
        }

        int register = (bytes[start + 2] & 7) | (start == 1 ? (bytes[0] & 1) << 3 : 0);
        ulong value = vcpu.GetRegister(register);
        if (!vcpu.Is64Bit)
            value = (uint)value;
        if ((value & (Cr4Reserved | ~CpuFeatures.GuestCr4Bits)) != 0)
        {
            vcpu.InjectException(GeneralProtection, 0);
            return;
        }

        vcpu.Vmcb.Cr4 = value;
        vcpu.Vmcb.TlbControl = Svm.FlushAll;
        vcpu.SkipInstruction(start + 3);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void SetExtendedControl(SvmVcpu vcpu, Vcpu owner)
    {
        ulong value = (uint)vcpu.Rax | (vcpu.Rdx << 32);
        bool valid = (uint)vcpu.Rcx == 0 && vcpu.PrivilegeLevel == 0 && owner.Domain.Cpuid.MaySetStates(value);
        if (!valid)
        {
            vcpu.InjectException(GeneralProtection, 0);
            return;
        }

        owner.EnabledStates = value;
        Assembly.WriteXcr0(value);
        vcpu.SkipInstruction(3);
    }

    // EXITINFO1: bit 0 in, bit 2 string, bits 4..6 size, bits 16..31 port; EXITINFO2: the next rip.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AccessPort(SvmVcpu vcpu, Vcpu owner)
    {
        ulong info = vcpu.Vmcb.ExitInfo1;
        ulong next = vcpu.Vmcb.ExitInfo2;
        int size = (int)(info >> 4) & 7;
        ushort port = (ushort)(info >> 16);
        bool isIn = (info & 1) != 0;
        if ((info & 4) != 0)
        {
            bool isRepeated = (info & 8) != 0;
            if (isIn)
                StringPortAccess.In(owner, port, size, isRepeated, next, owner.Processor);
            else
                StringPortAccess.Out(owner, port, size, isRepeated, next, owner.Processor);
            return;
        }

        ulong mask = size == 4 ? 0xffff_ffff : (1UL << (8 * size)) - 1;
        if (isIn)
        {
            uint value = owner.Domain.Ports.In(port, size, owner.Processor);
            vcpu.Rax = size == 4 ? value : (vcpu.Rax & ~mask) | (value & mask);
        }
        else
        {
            owner.Domain.Ports.Out(port, size, (uint)(vcpu.Rax & mask), owner.Processor);
        }

        vcpu.Rip = next;
        vcpu.Vmcb.InterruptShadow = 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AccessMemory(SvmVcpu vcpu, Vcpu owner)
    {
        ulong physical = vcpu.Vmcb.ExitInfo2;
        P2mEntry entry = owner.Domain.P2m.Lookup(Gfn.Containing(physical));
        bool isWrite = (vcpu.Vmcb.ExitInfo1 & 2) != 0;
        if (entry.Type == P2mType.OnDemand)
        {
            owner.Domain.OnDemand.OnFault(Gfn.Containing(physical), owner.Processor);
            return;
        }

        if (entry.IsPresent && (!isWrite || entry.IsWritable) && (vcpu.Vmcb.ExitInfo1 & 16) == 0)
        {
            // Somebody has mapped it meanwhile; the stale translation goes with the next entry.
            vcpu.Vmcb.TlbControl = Svm.FlushAll;
            return;
        }

        if ((vcpu.Vmcb.ExitInfo1 & (1UL << 33)) != 0 || (vcpu.Vmcb.ExitInfo1 & 16) != 0)
        {
            Crash(vcpu, owner, "page tables or code outside its memory"u8);
            return;
        }

        InterruptInjection.TakeTaskPriority(vcpu, owner);
        MmioEmulation.Emulate(owner, physical, owner.Processor);
        InterruptInjection.GiveTaskPriority(vcpu, owner);
    }

    // As a machine resets: the domain is shut down with the reason of HVM_PARAM_TRIPLE_FAULT_REASON, reboot unless it was changed.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void EndByTripleFault(SvmVcpu vcpu, Vcpu owner)
    {
        uint reason = (uint)owner.Domain.HvmParameters[(int)HvmParam.TripleFaultReason];
        owner.Host.Console.Begin(LogLevel.Error, owner.Processor).Text("d"u8).Decimal(owner.Domain.Id).Text("v"u8).Decimal(owner.Id)
            .Text(" Triple fault - invoking HVM shutdown action "u8).Decimal(reason).End();
        GuestStateDump.Print(owner.Host, vcpu);
        owner.Domain.Shutdown(reason, owner.Processor);
    }

    private static void Crash(SvmVcpu vcpu, Vcpu owner, System.ReadOnlySpan<byte> reason)
    {
        Host host = owner.Host;
        host.Console.Begin(LogLevel.Error, owner.Processor).Text("d"u8).Decimal(owner.Domain.Id).Text("v"u8).Decimal(owner.Id).Text(": "u8).Text(reason)
            .Text(", exit code "u8).Hex(vcpu.Vmcb.ExitCode).Text(" info "u8).Hex(vcpu.Vmcb.ExitInfo1).Text(" "u8).Hex(vcpu.Vmcb.ExitInfo2).End();
        GuestStateDump.Print(host, vcpu);
        owner.Domain.Crash(owner.Processor);
    }
}
