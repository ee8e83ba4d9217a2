// SPDX-License-Identifier: MIT
// Domctls of a debugger in the control domain, gdbsx. Behaviour: xen/arch/x86/gdbsx.c and domctl.c of Xen 4.17 with CONFIG_GDBSX.

using System;
using XenSharp.Abi;
using XenSharp.Core.Debugging;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

public static partial class DomctlOp
{
    // What the hypervisor makes of the command of an interrupted XEN_DOMCTL_gdbsx_guestmemio; the second argument then says how much is left.
    private const uint GuestMemoryContinued = 0x8000_0000 | (uint)DomctlCommand.GdbsxGuestMemoryIo;

    private static long SetDebugging(ControlBuffer operation, Domain domain)
    {
        domain.SetDebugged(operation.Read<byte>() != 0, operation.Caller.Processor);
        return 0;
    }

    private static long GuestMemoryIo(ControlBuffer operation, Domain domain, in HypercallArguments arguments)
    {
        DomctlGdbsxMemoryIo request = operation.Read<DomctlGdbsxMemoryIo>();
        bool isResuming = operation.Command == GuestMemoryContinued;
        uint left = isResuming ? (uint)Math.Min(arguments.Second, request.Length) : request.Length;
        if (!CopyGuestMemory(operation, domain, in request, ref left) && left != 0)
            return operation.ContinueAs(GuestMemoryContinued, left);
        if (isResuming && !operation.TrySetCommand((uint)DomctlCommand.GdbsxGuestMemoryIo))
            return EFAULT;
        request.Remain = left;
        return left != 0 ? EFAULT : operation.Store(in request);
    }

    // False: the budget is used up. True: all is copied, or what is left cannot be.
    private static bool CopyGuestMemory(ControlBuffer operation, Domain domain, in DomctlGdbsxMemoryIo request, ref uint left)
    {
        const int maxPiece = 512, pieceCost = 10;
        Vcpu caller = operation.Caller;
        Span<byte> buffer = stackalloc byte[maxPiece];
        while (left != 0 && !domain.IsDying)
        {
            uint done = request.Length - left;
            ulong address = request.GuestVirtualAddress + done, own = request.UserVirtualAddress + done;
            Span<byte> piece = buffer.Slice(0, (int)Math.Min(left, maxPiece - (uint)(address % maxPiece)));
            bool isCopied = request.Write != 0
                ? GuestAccess.Read(caller, own, piece) && DebuggedMemory.TryWrite(domain, address, piece, caller.Processor)
                : DebuggedMemory.TryRead(domain, address, piece, caller.Processor) && GuestAccess.Write(caller, own, piece);
            if (!isCopied)
                return true;
            left -= (uint)piece.Length;
            if (!caller.Continuation.Spend(pieceCost))
                return false;
        }

        return true;
    }

    private static long PauseVcpu(ControlBuffer operation, Domain domain)
    {
        if (domain.ControllerPauseCount == 0)
            return EBUSY;
        return domain.FindVcpu(operation.Read<uint>()) is { } vcpu ? domain.Host.Scheduler.PauseByController(vcpu, operation.Caller.Processor) : EINVAL;
    }

    private static long UnpauseVcpu(ControlBuffer operation, Domain domain)
    {
        if (domain.ControllerPauseCount == 0)
            return EBUSY;
        return domain.FindVcpu(operation.Read<uint>()) is { } vcpu ? domain.Host.Scheduler.UnpauseByController(vcpu, operation.Caller.Processor) : EINVAL;
    }

    // Whether the domain is paused, and if so, the first vCPU that has met a breakpoint; it is told once.
    private static long DebuggerStatus(ControlBuffer operation, Domain domain)
    {
        const uint nobody = uint.MaxValue;
        DomctlGdbsxDomainStatus status = operation.Read<DomctlGdbsxDomainStatus>();
        status.VcpuId = nobody;
        status.Paused = domain.ControllerPauseCount > 0 ? (byte)1 : (byte)0;
        if (status.Paused == 0)
            return operation.Store(in status);
        foreach (Vcpu? vcpu in domain.Vcpus)
        {
            if (vcpu == null || vcpu.DebugEvent == 0)
                continue;
            status.VcpuId = vcpu.Id;
            status.VcpuEvent = vcpu.DebugEvent;
            vcpu.DebugEvent = 0;
            break;
        }

        return operation.Store(in status);
    }
}
