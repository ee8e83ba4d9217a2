// SPDX-License-Identifier: MIT
// Images of x87, SSE and further state in the standard format of XSAVE (AMD APM vol. 2, 11.5). Called by the saved-state records and
// by XEN_DOMCTL_getvcpuextstate and setvcpuextstate.

using System;
using System.Buffers.Binary;
using XenSharp.Core.CpuPolicy;
using XenSharp.Core.Vcpus;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.SavedState;

public static class ExtendedStateImage
{
    /// <summary>Where XSTATE_BV is, behind the FXSAVE area.</summary>
    public const int HeaderOffset = 512;

    /// <summary>FXSAVE area and header.</summary>
    public const int SmallestImage = (int)PolicyLeaves.SmallestImage;

    private const ulong FpuSse = 3;
    private const int ControlWordOffset = 0, MxcsrOffset = 24;
    private const uint ResetMxcsr = 0x1f80;

    /// <summary>Components that the hypervisor switches (xfeature_mask of Xen); 0: no XSAVE.</summary>
    public static ulong HostStates(HostCpuid host)
    {
        ulong states = host.States;
        return (states & FpuSse) == FpuSse ? states : 0;
    }

    /// <summary>Bytes of an image with these components; 0 for none.</summary>
    public static int Size(HostCpuid host, ulong states) => states == 0 ? 0 : (int)host.Leaves.ImageSize(states);

    /// <summary>Copies an image to the toolstack, without components that it did not ask for.</summary>
    public static void CopyOut(ReadOnlySpan<byte> image, Span<byte> copy, ulong states)
    {
        image.Slice(0, copy.Length).CopyTo(copy);
        Span<byte> header = copy.Slice(HeaderOffset, SmallestImage - HeaderOffset);
        ulong held = BinaryPrimitives.ReadUInt64LittleEndian(header) & states;
        header.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(header, held);
    }

    /// <summary>Puts an image that has been checked into a vCPU that does not run.</summary>
    public static void Load(Vcpu vcpu, ReadOnlySpan<byte> copy)
    {
        Span<byte> image = vcpu.Context.ExtendedImage;
        image.Clear();
        copy.Slice(0, Math.Min(copy.Length, image.Length)).CopyTo(image);
        LimitMxcsr(image);
    }

    /// <summary>The FXSAVE area alone, or the state after reset with the given control word when there is none.</summary>
    public static void LoadLegacy(Vcpu vcpu, ReadOnlySpan<byte> area, ushort controlWord)
    {
        Span<byte> image = vcpu.Context.ExtendedImage;
        image.Clear();
        if (area.Length == HeaderOffset)
        {
            area.CopyTo(image);
        }
        else
        {
            BinaryPrimitives.WriteUInt16LittleEndian(image.Slice(ControlWordOffset), controlWord);
            BinaryPrimitives.WriteUInt32LittleEndian(image.Slice(MxcsrOffset), ResetMxcsr);
            return;
        }

        BinaryPrimitives.WriteUInt64LittleEndian(image.Slice(HeaderOffset), FpuSse);
        LimitMxcsr(image);
    }

    /// <summary>Whether the vCPU has x87 or SSE state of its own. Without XSAVE the CPU does not tell.</summary>
    public static bool IsInitialised(Vcpu vcpu) => HostStates(vcpu.Host.Cpuid) == 0
        || BinaryPrimitives.ReadUInt64LittleEndian(vcpu.Context.ExtendedImage.Slice(HeaderOffset)) != 0;

    /// <summary>Whether an image can be loaded: 0, or what Xen's validate_xstate says.</summary>
    public static long Check(Vcpu vcpu, ulong enabled, ulong used, ReadOnlySpan<byte> image)
    {
        ReadOnlySpan<byte> header = image.Slice(HeaderOffset, SmallestImage - HeaderOffset);
        ulong held = BinaryPrimitives.ReadUInt64LittleEndian(header), compacted = BinaryPrimitives.ReadUInt64LittleEndian(header.Slice(8));
        CpuidPolicy policy = vcpu.Domain.Cpuid;
        if ((held & ~used) != 0 || (enabled & ~used) != 0 || !policy.MaySetStates(enabled) || !policy.MaySetStates(used))
            return EINVAL;
        if ((used & ~HostStates(vcpu.Host.Cpuid)) != 0 || compacted != 0)
            return EOPNOTSUPP;
        for (int i = 16; i < header.Length; i++)
        {
            if (header[i] != 0)
                return EIO;
        }

        return 0;
    }

    // A reserved bit of MXCSR would make the load of the image fault in the hypervisor.
    private static void LimitMxcsr(Span<byte> image)
    {
        const uint defined = 0xffff;
        Span<byte> word = image.Slice(MxcsrOffset);
        BinaryPrimitives.WriteUInt32LittleEndian(word, BinaryPrimitives.ReadUInt32LittleEndian(word) & defined);
    }
}
