// SPDX-License-Identifier: MIT
// Where a vCPU's struct vcpu_info lies: at first in the shared-info page (the first 32 vCPUs), later where the guest wants it.

using System;
using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.EventChannels;
using XenSharp.Core.Memory;
using XenSharp.Edge;

namespace XenSharp.Core.Vcpus;

/// <summary>VCPUOP_register_vcpu_info (xen/include/public/vcpu.h; behaviour: map_vcpu_info of xen/common/domain.c).</summary>
public static class VcpuInfoArea
{
    /// <summary>Bytes of struct vcpu_info.</summary>
    public const int Size = 64;

    /// <summary>vCPUs that have a place in the shared-info page (XEN_LEGACY_MAX_VCPUS).</summary>
    public const int LegacyVcpus = 32;

    /// <summary>The place before the guest chooses one: called when the vCPU is made, after the shared-info page.</summary>
    public static void Reset(Vcpu vcpu)
    {
        Mfn shared = vcpu.Domain.SharedInfo;
        vcpu.Info = vcpu.Id < LegacyVcpus && shared.IsValid ? new GuestArea(shared, (int)vcpu.Id * Size) : default;
        vcpu.HasRegisteredInfo = false;
    }

    /// <summary>Whether the structure fits there, aligned to the words of the domain's structures.</summary>
    public static bool IsPlace(Domain domain, ulong offset) =>
        offset <= FrameSize.Bytes - Size && (offset & ((1u << (domain.EventWordShift - 3)) - 1)) == 0;

    /// <summary>
    /// Moves the area, once. The caller has checked that the vCPU is its own or not up (else -EINVAL). Everything is marked as pending
    /// afterwards: an event that came while the content was copied is not lost, and the guest copes with a spurious one.
    /// </summary>
    public static long Register(Vcpu vcpu, ulong gfn, ulong offset, Cpu caller)
    {
        if (!IsPlace(vcpu.Domain, offset))
            return -(long)Errno.NoDeviceIo;
        if (vcpu.HasRegisteredInfo || !GuestFrame.TryReference(vcpu.Domain, gfn, caller, out Mfn frame))
            return -(long)Errno.Inval;

        PhysicalMemory memory = vcpu.Host.Memory;
        using (vcpu.Lock.Enter(caller))
        {
            if (vcpu.HasRegisteredInfo)
            {
                FrameReferences.Drop(vcpu.Host, frame, caller);
                return -(long)Errno.Inval;
            }

            Span<byte> content = stackalloc byte[Size];
            content.Clear();
            if (vcpu.Info.IsMapped)
                memory.Read(vcpu.Info.Frame, vcpu.Info.Offset, content);
            memory.Write(frame, (int)offset, content);
            vcpu.Info = new GuestArea(frame, (int)offset);
            vcpu.HasRegisteredInfo = true;
        }

        memory.Barrier();
        if (vcpu.Domain.EventWordShift == 6)
            memory.Write64(frame, (int)offset + sizeof(ulong), ulong.MaxValue);
        else
            memory.Write32(frame, (int)offset + sizeof(uint), uint.MaxValue);
        vcpu.MarkEventsPending(caller);
        return 0;
    }

    /// <summary>Gives the frame back and returns to the first place: for a domain that dies or is reset (unmap_vcpu_info).</summary>
    public static void Unregister(Vcpu vcpu, Cpu caller)
    {
        if (!vcpu.HasRegisteredInfo)
            return;
        Mfn frame = vcpu.Info.Frame;
        using (vcpu.Lock.Enter(caller))
            Reset(vcpu);
        FrameReferences.Drop(vcpu.Host, frame, caller);
    }
}
