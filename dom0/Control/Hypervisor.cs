// SPDX-License-Identifier: MIT
// The hypervisor as dom0's tools see it: one method for each operation, in one file for each group. This file has what all groups use.
//
// How to add an operation, by the example of XEN_DOMCTL_max_mem (Hypervisor.Domains.cs), whose structure abi/ has as DomctlMaxMemory:
//
//     public void SetMaxMemory(ushort domain, ulong kilobytes)
//     {
//         DomctlMaxMemory argument = new() { MaxMemoryKb = kilobytes };
//         Domctl(DomctlCommand.MaxMemory, domain, ref argument, "max_mem");
//     }
//
// After the call `argument` holds what the hypervisor wrote back. A structure that points to a list ("guest handle" in abi/) gets the address of a
// buffer: `using HypercallBuffer list = Gate.RentCopy<uint>(values);` and `argument.Buffer = list.Address;`, results by `list.Items<uint>()`.
// Sysctl, MemoryCall, HvmCall and Gate.Call are used in the same way. The name in the last place is what the error says.

using System;
using System.Threading;
using XenSharp.Abi;
using XenSharp.Interop;

namespace XenSharp.Control;

/// <summary>Typed hypercalls. A refusal is a <see cref="HypercallException"/>. May be used by several threads.</summary>
/// <param name="gate">The way to the hypervisor; disposed with this.</param>
public sealed partial class Hypervisor(HypercallGate gate) : IDisposable
{
    private const int BusyWaitMs = 1;

    /// <summary>For operations that no method here has.</summary>
    public HypercallGate Gate { get; } = gate;

    /// <exception cref="SystemFailure">This is not dom0, or not root; the message says which.</exception>
    public static Hypervisor Open() => new(PrivilegedCommand.Open());

    public void Dispose() => Gate.Dispose();

    /// <summary>One domctl; the structure comes back as the hypervisor left it.</summary>
    internal ushort Domctl<T>(DomctlCommand command, ushort domain, ref T argument, string name)
        where T : unmanaged
    {
        long result = TryDomctl(command, domain, ref argument, out ushort echoed);
        Check(result, name, command == DomctlCommand.CreateDomain ? null : domain);
        return echoed;
    }

    /// <summary>A domctl without a structure.</summary>
    internal void Domctl(DomctlCommand command, ushort domain, string name)
    {
        ulong nothing = 0;
        Domctl(command, domain, ref nothing, name);
    }

    /// <summary>What the hypercall returned, refusals included.</summary>
    internal long TryDomctl<T>(DomctlCommand command, ushort domain, ref T argument, out ushort echoed)
        where T : unmanaged
    {
        using HypercallBuffer buffer = Gate.Rent(DomctlHeader.TotalSize);
        ref DomctlHeader header = ref buffer.At<DomctlHeader>();
        header.Command = command;
        header.InterfaceVersion = DomctlVersion.InterfaceVersion;
        header.Domain = domain;
        ref T place = ref buffer.At<T>(DomctlHeader.ArgumentOffset);
        place = argument;
        long result = Gate.Call(HypercallNumber.Domctl, buffer.Address);
        // A lock that another tool holds: xen/common/domctl.c continues by itself, some architectures' parts say EAGAIN.
        while (result == -(long)Errno.Again && command == DomctlCommand.DestroyDomain)
        {
            Thread.Sleep(BusyWaitMs);
            result = Gate.Call(HypercallNumber.Domctl, buffer.Address);
        }
        argument = place;
        echoed = header.Domain;
        return result;
    }

    /// <summary>One sysctl; the structure comes back as the hypervisor left it.</summary>
    internal long Sysctl<T>(SysctlCommand command, ref T argument, string name)
        where T : unmanaged => Check(TrySysctl(command, ref argument), name, null);

    /// <summary>What the hypercall returned, refusals included.</summary>
    internal long TrySysctl<T>(SysctlCommand command, ref T argument)
        where T : unmanaged
    {
        using HypercallBuffer buffer = Gate.Rent(SysctlHeader.TotalSize);
        ref SysctlHeader header = ref buffer.At<SysctlHeader>();
        header.Command = command;
        header.InterfaceVersion = SysctlConstants.InterfaceVersion;
        ref T place = ref buffer.At<T>(SysctlHeader.ArgumentOffset);
        place = argument;
        long result = Gate.Call(HypercallNumber.Sysctl, buffer.Address);
        argument = place;
        return result;
    }

    /// <summary>One memory_op.</summary>
    internal long MemoryCall<T>(MemoryOperation operation, ushort domain, ref T argument, string name)
        where T : unmanaged => Check(CallWith(HypercallNumber.MemoryOperation, (ulong)operation, ref argument), name, domain);

    /// <summary>One hvm_op.</summary>
    internal long HvmCall<T>(HvmOperation operation, ushort domain, ref T argument, string name)
        where T : unmanaged => Check(CallWith(HypercallNumber.HvmOperation, (ulong)operation, ref argument), name, domain);

    /// <summary>A hypercall that takes a number and a structure; what it returned.</summary>
    internal long CallWith<T>(HypercallNumber number, ulong operation, ref T argument)
        where T : unmanaged
    {
        using HypercallBuffer buffer = Gate.Rent<T>(1);
        ref T place = ref buffer.At<T>();
        place = argument;
        long result = Gate.Call(number, operation, buffer.Address);
        argument = place;
        return result;
    }

    internal static long Check(long result, string name, int? domain) => result >= 0 ? result : throw new HypercallException(name, domain, (Errno)(-result));
}
