// SPDX-License-Identifier: MIT
// Register state of one vCPU under SVM: its VMCB and the frame of general registers. What a reset makes of it is in SvmVcpu.Resets.cs.

using System;
using XenSharp.Edge;
using XenSharp.X64.Machine;
using XenSharp.X64.Runtime;

namespace XenSharp.X64.Svm;

/// <summary>One implementation of <see cref="VcpuContext"/>; the pages behind it live as long as the vCPU.</summary>
// SAFETY: both pointers name zeroed pages taken for this vCPU; only the CPU on which it runs, or the one that builds it, touches them.
internal sealed partial class SvmVcpu : VcpuContext
{
    private const ulong ReservedFlags = 2, TrapFlag = 1 << 8;
    private const ushort LongSegment = 0x200;
    private const int StackSegment = 2;
    private const int ExtendedStateOffset = 1024, ExtendedStateSize = 3072;

    private readonly ulong _vmcb;
    private readonly ulong _frame;

    public SvmVcpu(ulong vmcbAddress, ulong frameAddress)
    {
        _vmcb = DirectMap.Base + vmcbAddress;
        _frame = DirectMap.Base + frameAddress;
        Frame.Vmcb = vmcbAddress;
        ClearExtendedState();
    }

    public unsafe ref Vmcb Vmcb => ref *(Vmcb*)_vmcb;

    public unsafe ref GuestFrame Frame => ref *(GuestFrame*)_frame;

    /// <summary>Machine address of the page of <see cref="Frame"/>.</summary>
    public ulong FrameAddress => _frame - DirectMap.Base;

    /// <summary>The frame for assembly.</summary>
    public unsafe GuestFrame* FramePointer => (GuestFrame*)_frame;

    /// <summary>x87, SSE and AVX state while the vCPU is switched out: 3 KiB behind the frame, in its page.</summary>
    public unsafe byte* ExtendedState => (byte*)_frame + ExtendedStateOffset;

    /// <summary>The vCPU behind these registers.</summary>
    public Core.Vcpus.Vcpu Vcpu { get; set; } = null!;

    public Paging.NestedPageTable Translation { get; set; } = null!;

    /// <summary>The generation of <see cref="Translation"/> up to which stale translations have been flushed.</summary>
    public uint FlushedGeneration { get; set; }

    /// <summary>The guest is in its handler of an NMI, whose IRET will be seen: until then it gets no other.</summary>
    public bool IsInNmi { get; set; }

    /// <summary>The next entry, or the one that has just ended, may keep an interrupt of the machine from the CPU (<see cref="CpuFeatures.VirtualInterruptsHideOthers"/>).</summary>
    public bool MayHideInterrupt { get; set; }

    public override ulong Rax { get => Vmcb.Rax; set => Vmcb.Rax = value; }

    public override ulong Rbx { get => Frame.Rbx; set => Frame.Rbx = value; }

    public override ulong Rcx { get => Frame.Rcx; set => Frame.Rcx = value; }

    public override ulong Rdx { get => Frame.Rdx; set => Frame.Rdx = value; }

    public override ulong Rsi { get => Frame.Rsi; set => Frame.Rsi = value; }

    public override ulong Rdi { get => Frame.Rdi; set => Frame.Rdi = value; }

    public override ulong R8 { get => Frame.R8; set => Frame.R8 = value; }

    public override ulong R9 { get => Frame.R9; set => Frame.R9 = value; }

    public override ulong R10 { get => Frame.R10; set => Frame.R10 = value; }

    public override ulong Rip { get => Vmcb.Rip; set => Vmcb.Rip = value; }

    public override ulong Rflags { get => Vmcb.Rflags; set => Vmcb.Rflags = value; }

    public override ulong Cr0 => Vmcb.Cr0;

    public override ulong Cr3 => Vmcb.Cr3;

    public override ulong Cr4 => Vmcb.Cr4;

    public override ulong Efer
    {
        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]
        get => Vmcb.Efer & ~Msr.EferSvm;
    }

    public override int PrivilegeLevel => Vmcb.PrivilegeLevel;

    public override bool Is64Bit
    {
        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]
        get => (Vmcb.Efer & Msr.EferLongModeActive) != 0 && (Vmcb.Cs.Attributes & LongSegment) != 0;
    }

    public override ulong CodeBase => Is64Bit ? 0 : Vmcb.Cs.Base;

    public override ulong GetRegister(int number) => number switch
    {
        0 => Vmcb.Rax,
        1 => Frame.Rcx,
        2 => Frame.Rdx,
        3 => Frame.Rbx,
        4 => Vmcb.Rsp,
        5 => Frame.Rbp,
        6 => Frame.Rsi,
        7 => Frame.Rdi,
        8 => Frame.R8,
        9 => Frame.R9,
        10 => Frame.R10,
        11 => Frame.R11,
        12 => Frame.R12,
        13 => Frame.R13,
        14 => Frame.R14,
        15 => Frame.R15,
        _ => 0,
    };

    public override void SetRegister(int number, ulong value)
    {
        switch (number)
        {
            case 0: Vmcb.Rax = value; break;
            case 1: Frame.Rcx = value; break;
            case 2: Frame.Rdx = value; break;
            case 3: Frame.Rbx = value; break;
            case 4: Vmcb.Rsp = value; break;
            case 5: Frame.Rbp = value; break;
            case 6: Frame.Rsi = value; break;
            case 7: Frame.Rdi = value; break;
            case 8: Frame.R8 = value; break;
            case 9: Frame.R9 = value; break;
            case 10: Frame.R10 = value; break;
            case 11: Frame.R11 = value; break;
            case 12: Frame.R12 = value; break;
            case 13: Frame.R13 = value; break;
            case 14: Frame.R14 = value; break;
            case 15: Frame.R15 = value; break;
        }
    }

    public override ulong SegmentBase(int segment) => segment switch
    {
        0 => Is64Bit ? 0 : Vmcb.Es.Base,
        1 => Is64Bit ? 0 : Vmcb.Cs.Base,
        2 => Is64Bit ? 0 : Vmcb.Ss.Base,
        3 => Is64Bit ? 0 : Vmcb.Ds.Base,
        4 => Vmcb.Fs.Base,
        5 => Vmcb.Gs.Base,
        _ => 0,
    };

    // What VMRUN refuses must be refused here (AMD APM vol. 2, 15.5.1 "Canonicalization and consistency checks").
    public override bool TrySetControlRegisters(ulong cr0, ulong cr3, ulong cr4, ulong efer)
    {
        const ulong protection = 1, extensionType = 1 << 4, notWriteThrough = 1 << 29, cacheDisable = 1 << 30, paging = 1UL << 31, physicalAddressExtension = 1 << 5;
        const ulong allowedEfer = Msr.EferSyscall | Msr.EferLongModeEnable | Msr.EferLongModeActive | Msr.EferNoExecute | (1 << 14);
        bool isPaging = (cr0 & paging) != 0, isLong = (efer & Msr.EferLongModeEnable) != 0;
        if (cr0 >> 32 != 0 || (cr0 & (notWriteThrough | cacheDisable)) == notWriteThrough || (isPaging && (cr0 & protection) == 0))
            return false;
        if ((cr4 & ~CpuFeatures.GuestCr4Bits) != 0 || (efer & ~allowedEfer) != 0 || (isPaging && isLong && (cr4 & physicalAddressExtension) == 0))
            return false;
        ResetCommon();
        Vmcb.Cr0 = cr0 | extensionType;
        Vmcb.Cr3 = cr3;
        Vmcb.Cr4 = cr4;
        bool isActive = isLong && isPaging;
        Vmcb.Efer = (efer & ~Msr.EferLongModeActive) | (isActive ? Msr.EferLongModeActive : 0) | Msr.EferSvm;
        SetSegment(ref Vmcb.Ds, 0, 0xc93, uint.MaxValue, 0);
        Vmcb.Es = Vmcb.Fs = Vmcb.Gs = Vmcb.Ss = Vmcb.Cs = Vmcb.Ds;
        SetSegment(ref Vmcb.Tr, 0, 0x08b, 0x67, 0);
        return true;
    }

    public override void SetSegment(int segment, ulong segmentBase, uint limit, ushort attributes)
    {
        switch (segment)
        {
            case 0: SetSegment(ref Vmcb.Es, 0, attributes, limit, segmentBase); break;
            case 1: SetSegment(ref Vmcb.Cs, 0, attributes, limit, segmentBase); break;
            case 2:
                SetSegment(ref Vmcb.Ss, 0, attributes, limit, segmentBase);
                Vmcb.PrivilegeLevel = (byte)((attributes >> 5) & 3);
                break;
            case 3: SetSegment(ref Vmcb.Ds, 0, attributes, limit, segmentBase); break;
            case 4: SetSegment(ref Vmcb.Fs, 0, attributes, limit, segmentBase); break;
            case 5: SetSegment(ref Vmcb.Gs, 0, attributes, limit, segmentBase); break;
            case 6: SetSegment(ref Vmcb.Tr, 0, attributes, limit, segmentBase); break;
        }
    }

    private ref VmcbSegment Segment(int segment)
    {
        ref Vmcb vmcb = ref Vmcb;
        switch (segment)
        {
            case 0: return ref vmcb.Es;
            case 1: return ref vmcb.Cs;
            case 2: return ref vmcb.Ss;
            case 3: return ref vmcb.Ds;
            case 4: return ref vmcb.Fs;
            case 5: return ref vmcb.Gs;
            case 6: return ref vmcb.Tr;
            case 7: return ref vmcb.Ldtr;
            case 8: return ref vmcb.Gdtr;
            default: return ref vmcb.Idtr;
        }
    }

    public override void GetSegment(int segment, out SegmentState state)
    {
        ref VmcbSegment register = ref Segment(segment);
        state.Selector = register.Selector;
        state.Attributes = register.Attributes;
        state.Limit = register.Limit;
        state.Base = register.Base;
    }

    public override void LoadSegment(int segment, in SegmentState state)
    {
        SetSegment(ref Segment(segment), state.Selector, state.Attributes, state.Limit, state.Base);
        if (segment == StackSegment)
            Vmcb.PrivilegeLevel = (byte)((state.Attributes >> 5) & 3);
    }

    public override void GetSystem(out SystemState state)
    {
        ref Vmcb vmcb = ref Vmcb;
        state.Cr0 = vmcb.Cr0;
        state.Cr2 = vmcb.Cr2;
        state.Cr3 = vmcb.Cr3;
        state.Cr4 = vmcb.Cr4;
        state.Efer = vmcb.Efer & ~Msr.EferSvm;
        state.Dr0 = Frame.Breakpoints[0];
        state.Dr1 = Frame.Breakpoints[1];
        state.Dr2 = Frame.Breakpoints[2];
        state.Dr3 = Frame.Breakpoints[3];
        state.Dr6 = vmcb.Dr6;
        state.Dr7 = vmcb.Dr7;
        state.Star = vmcb.Star;
        state.LStar = vmcb.LStar;
        state.CStar = vmcb.CStar;
        state.SyscallMask = vmcb.SyscallMask;
        state.KernelGsBase = vmcb.KernelGsBase;
        state.SysenterCs = vmcb.SysenterCs;
        state.SysenterEsp = vmcb.SysenterEsp;
        state.SysenterEip = vmcb.SysenterEip;
        state.PendingEvent = InterruptInjection.PendingEvent(in vmcb);
    }

    public override void LoadSystem(in SystemState state)
    {
        const ulong extensionType = 1 << 4;
        ref Vmcb vmcb = ref Vmcb;
        vmcb.Cr0 = state.Cr0 | extensionType;
        vmcb.Cr2 = state.Cr2;
        vmcb.Cr3 = state.Cr3;
        vmcb.Cr4 = state.Cr4;
        vmcb.Efer = state.Efer | Msr.EferSvm;
        Frame.Breakpoints[0] = state.Dr0;
        Frame.Breakpoints[1] = state.Dr1;
        Frame.Breakpoints[2] = state.Dr2;
        Frame.Breakpoints[3] = state.Dr3;
        // VMRUN wants the upper halves to be zero.
        vmcb.Dr6 = (uint)state.Dr6;
        vmcb.Dr7 = (uint)state.Dr7;
        vmcb.Star = state.Star;
        vmcb.LStar = state.LStar;
        vmcb.CStar = state.CStar;
        vmcb.SyscallMask = state.SyscallMask;
        vmcb.KernelGsBase = state.KernelGsBase;
        vmcb.SysenterCs = state.SysenterCs;
        vmcb.SysenterEsp = state.SysenterEsp;
        vmcb.SysenterEip = state.SysenterEip;
        InterruptInjection.SetPendingEvent(ref vmcb, state.PendingEvent);
        vmcb.InterruptShadow = 0;
    }

    public override unsafe Span<byte> ExtendedImage => new(ExtendedState, ExtendedStateSize);

    /// <summary>#DB, #BP and, since QEMU 7.2 reports a breakpoint as one (`helper_raise_interrupt`), software interrupts.</summary>
    public override bool StopsForDebugger
    {
        get => (Vmcb.Intercept1 & Svm.InterceptSoftwareInterrupt) != 0;
        set
        {
            const uint exceptions = (1u << Svm.DebugVector) | (1u << Svm.BreakpointVector);
            Vmcb.InterceptExceptions = (Vmcb.InterceptExceptions & ~exceptions) | (value ? exceptions : 0);
            Vmcb.Intercept1 = (Vmcb.Intercept1 & ~Svm.InterceptSoftwareInterrupt) | (value ? Svm.InterceptSoftwareInterrupt : 0);
        }
    }

    public override void InjectException(int vector, int errorCode)
    {
        ulong injected = (uint)vector | Svm.EventTypeException | Svm.EventValid;
        if (errorCode >= 0)
            injected |= Svm.EventErrorValid | ((ulong)(uint)errorCode << 32);
        Vmcb.EventInjection = injected;
    }

    /// <summary>
    /// Skips an instruction that was emulated; the interrupt shadow of the one before it ends with it. Without next-RIP saving by the
    /// CPU, <paramref name="length"/> is that of the plain encoding: a guest that puts needless prefixes there skips too little.
    /// </summary>
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]
    public void SkipInstruction(int length)
    {
        ref Vmcb vmcb = ref Vmcb;
        ulong next = CpuFeatures.HasNextRip ? vmcb.NextRip : vmcb.Rip + (uint)length;
        vmcb.Rip = (vmcb.Cs.Attributes & LongSegment) != 0 ? next : (uint)next;
        vmcb.InterruptShadow = 0;
        if ((vmcb.Rflags & TrapFlag) != 0)
            EndSingleStep();
    }

    // An instruction that was emulated ends a single step as one that the CPU has executed does.
    private void EndSingleStep()
    {
        const ulong step = 1 << 14;
        Vmcb.Dr6 |= step;
        if (StopsForDebugger)
            Vcpu.Domain.PauseForDebugger(Vcpu);
        else
            InjectException(Svm.DebugVector, -1);
    }

    /// <summary>The hypercall that was being served ends with a result of its own.</summary>
    public void EndHypercall(long result)
    {
        const int vmmcallLength = 3;
        Rax = (ulong)result;
        Vcpu.IsInMulticall = false;
        Vcpu.IsNarrow = false;
        Vcpu.Continuation.IsRequested = false;
        SkipInstruction(vmmcallLength);
    }

    private static void SetSegment(ref VmcbSegment segment, ushort selector, ushort attributes, uint limit, ulong baseAddress)
    {
        segment.Selector = selector;
        segment.Attributes = attributes;
        segment.Limit = limit;
        segment.Base = baseAddress;
    }
}
