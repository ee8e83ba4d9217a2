// SPDX-License-Identifier: MIT
// Domctls that read and load the state of a domain's vCPUs.

using System;
using System.Buffers.Binary;
using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.SavedState;
using XenSharp.Core.Scheduling;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

public static partial class DomctlOp
{
    // Struct vcpu_guest_context: FPU, flags, registers; then trap handlers up to the control registers.
    private const int ContextSize = 5168, FlagsOffset = 512, RegistersOffset = 520, HeadSize = 720, TailOffset = 4816, TailSize = ContextSize - TailOffset;
    private const int ControlOffset = 4984 - TailOffset, DebugOffset = 5048 - TailOffset, AssistOffset = 5136 - TailOffset, FsBaseOffset = 5144 - TailOffset;
    private const ulong ContextHasFpu = 1 << 0, ContextIsOnline = 1 << 5;
    private const int ExtendedHeader = 16;

    private static long GetHvmContext(ControlBuffer operation, Domain domain)
    {
        DomctlHvmContext request = operation.Read<DomctlHvmContext>();
        Vcpu caller = operation.Caller;
        if (domain == caller.Domain)
            return Store(operation, in request, EINVAL);
        uint size = DomainContext.Size(domain);
        if (request.Buffer == 0)
        {
            request.Size = size;
            return operation.Store(in request);
        }

        if (request.Size < size)
            return Store(operation, in request, ENOSPC);
        Scheduler scheduler = domain.Host.Scheduler;
        scheduler.PauseAndWait(domain, caller.Processor);
        long result = DomainContext.Save(caller, domain, request.Buffer, out request.Size);
        scheduler.Unpause(domain, caller.Processor);
        return Store(operation, in request, result);
    }

    private static long GetHvmContextPart(ControlBuffer operation, Domain domain)
    {
        DomctlHvmContextPartial request = operation.Read<DomctlHvmContextPartial>();
        Vcpu caller = operation.Caller;
        if (domain == caller.Domain)
            return EINVAL;
        Scheduler scheduler = domain.Host.Scheduler;
        scheduler.PauseAndWait(domain, caller.Processor);
        ulong size = request.BufferSize;
        long result = DomainContext.SaveOne(caller, domain, request.Type, request.Instance, request.Buffer, ref size);
        scheduler.Unpause(domain, caller.Processor);
        request.BufferSize = size;
        return result != 0 ? result : operation.Store(in request);
    }

    private static long SetHvmContext(ControlBuffer operation, Domain domain)
    {
        DomctlHvmContext request = operation.Read<DomctlHvmContext>();
        Vcpu caller = operation.Caller;
        if (domain == caller.Domain)
            return EINVAL;
        Scheduler scheduler = domain.Host.Scheduler;
        scheduler.PauseAndWait(domain, caller.Processor);
        long result = DomainContext.Load(caller, domain, request.Buffer, request.Size);
        scheduler.Unpause(domain, caller.Processor);
        return result;
    }

    // For a domain with nested paging: registers and nothing of tables.
    private static long GetVcpuContext(ControlBuffer operation, Domain domain)
    {
        DomctlVcpuContext request = operation.Read<DomctlVcpuContext>();
        Vcpu caller = operation.Caller;
        if (domain.FindVcpu(request.Vcpu) is not { } vcpu || vcpu == caller)
            return EINVAL;
        if (!vcpu.IsInitialised)
            return ENODATA;
        Span<byte> head = stackalloc byte[HeadSize], tail = stackalloc byte[TailSize];
        Scheduler scheduler = domain.Host.Scheduler;
        scheduler.PauseAndWait(vcpu, caller.Processor);
        CollectHead(vcpu, head);
        CollectTail(vcpu, tail);
        scheduler.Unpause(vcpu, caller.Processor);
        if (!GuestAccess.Write(caller, request.Context, head) || !GuestAccess.Write(caller, request.Context + TailOffset, tail))
            return EFAULT;
        head.Clear();
        for (int at = HeadSize; at < TailOffset; at += HeadSize)
        {
            if (!GuestAccess.Write(caller, request.Context + (ulong)at, head.Slice(0, Math.Min(HeadSize, TailOffset - at))))
                return EFAULT;
        }

        return operation.Store(in request);
    }

    private static void CollectHead(Vcpu vcpu, Span<byte> head)
    {
        VcpuContext context = vcpu.Context;
        head.Clear();
        context.ExtendedImage.Slice(0, FlagsOffset).CopyTo(head);
        ulong flags = (vcpu.IsUp ? ContextIsOnline : 0) | (ExtendedStateImage.IsInitialised(vcpu) ? ContextHasFpu : 0);
        BinaryPrimitives.WriteUInt64LittleEndian(head.Slice(FlagsOffset), flags);
        Span<byte> registers = head.Slice(RegistersOffset);
        for (int i = 0; i < RegisterOrder.Length; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(registers.Slice(i * 8), context.GetRegister(RegisterOrder[i]));
        BinaryPrimitives.WriteUInt64LittleEndian(registers.Slice(RipOffset), context.Rip);
        BinaryPrimitives.WriteUInt64LittleEndian(registers.Slice(FlagsRegisterOffset), context.Rflags);
        BinaryPrimitives.WriteUInt64LittleEndian(registers.Slice(RspOffset), context.GetRegister(4));
        for (int i = 0; i < SelectorOrder.Length; i++)
        {
            context.GetSegment(SelectorOrder[i], out SegmentState segment);
            BinaryPrimitives.WriteUInt16LittleEndian(registers.Slice(i == 0 ? CsOffset : SsOffset + ((i - 1) * 8)), segment.Selector);
        }
    }

    private static void CollectTail(Vcpu vcpu, Span<byte> tail)
    {
        tail.Clear();
        VcpuContext context = vcpu.Context;
        context.GetSystem(out SystemState system);
        Put(tail, ControlOffset, system.Cr0);
        Put(tail, ControlOffset + 16, system.Cr2);
        Put(tail, ControlOffset + 24, system.Cr3);
        Put(tail, ControlOffset + 32, system.Cr4);
        Put(tail, DebugOffset, system.Dr0);
        Put(tail, DebugOffset + 8, system.Dr1);
        Put(tail, DebugOffset + 16, system.Dr2);
        Put(tail, DebugOffset + 24, system.Dr3);
        Put(tail, DebugOffset + 48, system.Dr6);
        Put(tail, DebugOffset + 56, system.Dr7);
        Put(tail, AssistOffset, vcpu.Domain.VmAssist);
        context.GetSegment(4, out SegmentState fs);
        context.GetSegment(5, out SegmentState gs);
        context.GetSegment(1, out SegmentState code);
        bool isKernel = (code.Selector & 3) == 0;
        Put(tail, FsBaseOffset, fs.Base);
        Put(tail, FsBaseOffset + 8, isKernel ? gs.Base : system.KernelGsBase);
        Put(tail, FsBaseOffset + 16, isKernel ? system.KernelGsBase : gs.Base);
    }

    private static void Put(Span<byte> area, int offset, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(area.Slice(offset), value);

    // Struct cpu_user_regs: r15 .. rdi, error code and vector, rip, cs, flags, rsp, ss, es, ds, fs, gs.
    private const int RipOffset = 128, CsOffset = 136, FlagsRegisterOffset = 144, RspOffset = 152, SsOffset = 160;

    private static ReadOnlySpan<byte> RegisterOrder => new byte[] { 15, 14, 13, 12, 5, 3, 11, 10, 9, 8, 0, 1, 2, 6, 7 };

    private static ReadOnlySpan<byte> SelectorOrder => new byte[] { 1, 2, 0, 3, 4, 5 };

    /// <summary>A null context resets the vCPU. Segments and control registers of a domain with nested paging are not touched.</summary>
    private static long SetVcpuContext(ControlBuffer operation, Domain domain)
    {
        DomctlVcpuContext request = operation.Read<DomctlVcpuContext>();
        Vcpu caller = operation.Caller;
        if (domain == caller.Domain || domain.FindVcpu(request.Vcpu) is not { } vcpu)
            return EINVAL;
        Scheduler scheduler = domain.Host.Scheduler;
        Cpu cpu = caller.Processor;
        if (request.Context == 0)
        {
            scheduler.PauseAndWait(domain, cpu);
            scheduler.VcpuDown(vcpu, cpu);
            vcpu.Apic.Reset();
            scheduler.ResetVcpu(vcpu, cpu);
            scheduler.Unpause(domain, cpu);
            return 0;
        }

        Span<byte> head = stackalloc byte[HeadSize], tail = stackalloc byte[TailSize];
        if (!GuestAccess.Read(caller, request.Context, head) || !GuestAccess.Read(caller, request.Context + TailOffset, tail))
            return EFAULT;
        ulong assist = BinaryPrimitives.ReadUInt64LittleEndian(tail.Slice(AssistOffset));
        if (vcpu.Id == 0 && (assist & ~(ulong)VmAssistOp.ValidBits) != 0)
            return EINVAL;
        scheduler.PauseAndWait(domain, cpu);
        LoadContext(vcpu, head, tail);
        if (vcpu.Id == 0)
            domain.VmAssist = (uint)assist;
        bool online = (BinaryPrimitives.ReadUInt64LittleEndian(head.Slice(FlagsOffset)) & ContextIsOnline) != 0;
        if (online)
            scheduler.VcpuUp(vcpu, cpu);
        else
            scheduler.VcpuDown(vcpu, cpu);
        scheduler.Unpause(domain, cpu);
        return 0;
    }

    private static void LoadContext(Vcpu vcpu, ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail)
    {
        const ushort defaultControlWord = 0x37f;
        VcpuContext context = vcpu.Context;
        bool hasFpu = (BinaryPrimitives.ReadUInt64LittleEndian(head.Slice(FlagsOffset)) & ContextHasFpu) != 0;
        ExtendedStateImage.LoadLegacy(vcpu, hasFpu ? head.Slice(0, FlagsOffset) : default, defaultControlWord);
        ReadOnlySpan<byte> registers = head.Slice(RegistersOffset);
        for (int i = 0; i < RegisterOrder.Length; i++)
            context.SetRegister(RegisterOrder[i], BinaryPrimitives.ReadUInt64LittleEndian(registers.Slice(i * 8)));
        context.Rip = BinaryPrimitives.ReadUInt64LittleEndian(registers.Slice(RipOffset));
        context.Rflags = BinaryPrimitives.ReadUInt64LittleEndian(registers.Slice(FlagsRegisterOffset)) | 2;
        context.SetRegister(4, BinaryPrimitives.ReadUInt64LittleEndian(registers.Slice(RspOffset)));
        context.GetSystem(out SystemState system);
        system.Dr0 = BinaryPrimitives.ReadUInt64LittleEndian(tail.Slice(DebugOffset));
        system.Dr1 = BinaryPrimitives.ReadUInt64LittleEndian(tail.Slice(DebugOffset + 8));
        system.Dr2 = BinaryPrimitives.ReadUInt64LittleEndian(tail.Slice(DebugOffset + 16));
        system.Dr3 = BinaryPrimitives.ReadUInt64LittleEndian(tail.Slice(DebugOffset + 24));
        system.Dr6 = BinaryPrimitives.ReadUInt64LittleEndian(tail.Slice(DebugOffset + 48));
        system.Dr7 = BinaryPrimitives.ReadUInt64LittleEndian(tail.Slice(DebugOffset + 56));
        context.LoadSystem(in system);
    }

    private static long GetExtendedState(ControlBuffer operation, Domain domain)
    {
        DomctlVcpuExtendedState request = operation.Read<DomctlVcpuExtendedState>();
        Vcpu caller = operation.Caller;
        if (domain.FindVcpu(request.Vcpu) is not { } vcpu)
            return Store(operation, in request, ESRCH);
        if (vcpu == caller)
            return Store(operation, in request, EINVAL);
        ulong states = ExtendedStateImage.HostStates(domain.Host.Cpuid);
        if ((request.Size == 0 && request.XfeatureMask == 0) || request.Buffer == 0)
        {
            request.XfeatureMask = states;
            request.Size = ExtendedHeader + (ulong)ExtendedStateImage.Size(domain.Host.Cpuid, states);
            return operation.Store(in request);
        }

        Span<byte> copy = stackalloc byte[ExtendedHeader + SavedRecords.MaxLength];
        Scheduler scheduler = domain.Host.Scheduler;
        scheduler.PauseAndWait(vcpu, caller.Processor);
        ulong used = SavedRecords.UsedStates(vcpu);
        int size = ExtendedStateImage.Size(domain.Host.Cpuid, used);
        Put(copy, 0, used == 0 ? 0 : vcpu.EnabledStates);
        Put(copy, 8, used);
        if (size != 0)
            ExtendedStateImage.CopyOut(vcpu.Context.ExtendedImage, copy.Slice(ExtendedHeader, size), used);
        scheduler.Unpause(vcpu, caller.Processor);
        long result = 0;
        if (request.Size < (ulong)(ExtendedHeader + size) || request.XfeatureMask != states)
            result = EINVAL;
        else if (!GuestAccess.Write(caller, request.Buffer, copy.Slice(0, ExtendedHeader + size)))
            result = EFAULT;
        else
            request.Size = (ulong)(ExtendedHeader + size);
        return Store(operation, in request, result);
    }

    private static long SetExtendedState(ControlBuffer operation, Domain domain)
    {
        DomctlVcpuExtendedState request = operation.Read<DomctlVcpuExtendedState>();
        Vcpu caller = operation.Caller;
        if (domain.FindVcpu(request.Vcpu) is not { } vcpu)
            return ESRCH;
        ulong states = ExtendedStateImage.HostStates(domain.Host.Cpuid);
        if (vcpu == caller || request.Size < ExtendedHeader || request.Size > ExtendedHeader + (ulong)ExtendedStateImage.Size(domain.Host.Cpuid, states))
            return EINVAL;
        Span<byte> copy = stackalloc byte[ExtendedHeader + SavedRecords.MaxLength];
        copy.Clear();
        int size = (int)request.Size - ExtendedHeader;
        if (!GuestAccess.Read(caller, request.Buffer, copy.Slice(0, ExtendedHeader + size)))
            return EFAULT;
        ulong enabled = BinaryPrimitives.ReadUInt64LittleEndian(copy), used = BinaryPrimitives.ReadUInt64LittleEndian(copy.Slice(8));
        ReadOnlySpan<byte> image = copy.Slice(ExtendedHeader);
        long result = used == 0 ? (enabled == 0 ? 0 : EINVAL)
            : size < ExtendedStateImage.SmallestImage ? EINVAL : ExtendedStateImage.Check(vcpu, enabled, used, image);
        if (result != 0 || size == 0)
            return result;
        if (size < ExtendedStateImage.SmallestImage || size != ExtendedStateImage.Size(domain.Host.Cpuid, used))
            return EINVAL;
        Scheduler scheduler = domain.Host.Scheduler;
        scheduler.PauseAndWait(vcpu, caller.Processor);
        ExtendedStateImage.Load(vcpu, image.Slice(0, size));
        vcpu.EnabledStates = enabled;
        scheduler.Unpause(vcpu, caller.Processor);
        return 0;
    }

    // MSRs by this way are a matter of PV domains.
    private static long VcpuMsrs(ControlBuffer operation, Domain domain) =>
        domain.FindVcpu(operation.Read<DomctlVcpuMsrs>().Vcpu) == null ? ESRCH : EINVAL;

    private static long GetFurtherContext(ControlBuffer operation, Domain domain)
    {
        DomctlExtendedVcpuContext request = operation.Read<DomctlExtendedVcpuContext>();
        if (domain.FindVcpu(request.Vcpu) is not { } vcpu || vcpu == operation.Caller)
            return ESRCH;
        uint number = request.Vcpu;
        request = default;
        request.Vcpu = number;
        request.Size = (uint)AbiBytes.SizeOf<DomctlExtendedVcpuContext>();
        request.Vmce = vcpu.Msrs.MachineCheck;
        return operation.Store(in request);
    }

    private static long SetFurtherContext(ControlBuffer operation, Domain domain)
    {
        const uint machineCheckOffset = 32;
        const int privilege = 3;
        DomctlExtendedVcpuContext request = operation.Read<DomctlExtendedVcpuContext>();
        Vcpu caller = operation.Caller;
        if (domain.FindVcpu(request.Vcpu) is not { } vcpu || domain == caller.Domain)
            return ESRCH;
        if (request.Size < machineCheckOffset || (request.SysenterCallbackCs & ~privilege) != 0 || (request.Syscall32CallbackCs & ~privilege) != 0
            || request.SysenterCallbackRip != 0 || request.Syscall32CallbackRip != 0)
            return EINVAL;
        // As much as the size that is given covers: all, without the extended control, the capabilities alone, or nothing.
        HvmVmceVcpu state = request.Vmce;
        switch (request.Size - machineCheckOffset)
        {
            case < 8:
                return 0;
            case < 24:
                state.MciCtl2Bank0 = state.MciCtl2Bank1 = state.McgExtendedCtl = 0;
                break;
            case < 32:
                state.McgExtendedCtl = 0;
                break;
        }

        if (!DomainContext.IsMachineCheck(in state))
            return EINVAL;
        domain.Host.Scheduler.PauseAndWait(domain, caller.Processor);
        vcpu.Msrs.MachineCheck = state;
        domain.Host.Scheduler.Unpause(domain, caller.Processor);
        return 0;
    }

    // Results are copied back even where the operation fails.
    private static long Store<T>(ControlBuffer operation, in T value, long result) where T : unmanaged
    {
        long stored = operation.Store(in value);
        return stored != 0 ? stored : result;
    }
}
