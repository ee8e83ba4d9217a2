// SPDX-License-Identifier: MIT
// HYPERVISOR_xen_version (xen/include/public/version.h): who we are. The cheapest hypercall, hence the first switch.

using System;
using System.Runtime.CompilerServices;
using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

/// <summary>XENVER_*. Only the control domain reads the command line and the build id.</summary>
public static class VersionOp
{
    private const int ExtraVersionSize = 16, ChangesetSize = 64, CapabilitiesSize = 1024, CommandLineSize = 1024;

    /// <summary>Bytes of text that cost one unit of the work budget to write.</summary>
    private const int BytesPerUnit = 64;

    /// <summary>Where Xen's part of a PV guest's address space begins (HYPERVISOR_VIRT_START): a constant of the 64-bit interface.</summary>
    private const ulong HypervisorVirtualStart = 0xffff_8000_0000_0000;

    public static long Call(Vcpu caller, in HypercallArguments arguments)
    {
        ulong argument = arguments.Second;
        switch ((VersionOperation)(uint)arguments.First)
        {
            case VersionOperation.Version:
                return (BuildInformation.Major << 16) | BuildInformation.Minor;
            case VersionOperation.GetFeatures:
                return GetFeatures(caller, argument);
            case VersionOperation.PageSize:
                return argument != 0 ? EINVAL : FrameSize.Bytes;
            default:
                return Describe(caller, (VersionOperation)(uint)arguments.First, argument);
        }
    }

    // Apart from the cheap ones, whose frame it would enlarge.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long Describe(Vcpu caller, VersionOperation operation, ulong argument)
    {
        switch (operation)
        {
            case VersionOperation.ExtraVersion:
                return WriteText(caller, argument, BuildInformation.ExtraVersion, stackalloc byte[ExtraVersionSize]);
            case VersionOperation.ChangeSet:
                return WriteText(caller, argument, BuildInformation.Changeset, stackalloc byte[ChangesetSize]);
            case VersionOperation.Capabilities:
                return WriteText(caller, argument, BuildInformation.Capabilities, stackalloc byte[CapabilitiesSize]);
            case VersionOperation.CompileInfo:
                return GetCompileInfo(caller, argument);
            case VersionOperation.PlatformParameters:
                PlatformParameters parameters;
                parameters.VirtStart = HypervisorVirtualStart;
                if (!caller.IsNarrow)
                    return GuestAccess.TryWrite(caller, argument, in parameters) ? 0 : EFAULT;
                uint none = 0; // Xen keeps no part of a 32-bit translated guest's address space
                return GuestAccess.TryWrite(caller, argument, in none) ? 0 : EFAULT;
            case VersionOperation.GuestHandle:
                return GuestAccess.Write(caller, argument, caller.Domain.Handle) ? 0 : EFAULT;
            case VersionOperation.CommandLine:
                if (!caller.Domain.IsPrivileged)
                    return GuestAccess.Write(caller, argument, "<denied>\0"u8) ? 0 : EFAULT;
                return WriteText(caller, argument, caller.Host.Options.CommandLine, stackalloc byte[CommandLineSize]);
            case VersionOperation.BuildId:
                return GetBuildId(caller, argument);
            default:
                return ENOSYS;
        }
    }

    /// <summary>The XENFEAT_* bits of a domain.</summary>
    public static uint Features(Domain domain)
    {
        uint features = (1u << (int)XenFeature.MemoryOperationVNodeSupported)
            | (1u << (int)XenFeature.WritablePageTables)
            | (1u << (int)XenFeature.AutoTranslatedPhysmap)
            | (1u << (int)XenFeature.HvmSafePvclock)
            | (1u << (int)XenFeature.HvmCallbackVector);
        features |= domain.IsHardware ? 1u << (int)XenFeature.Dom0 : 0;
        features |= 1u << (int)(domain.IsDirectMapped ? XenFeature.DirectMapped : XenFeature.NotDirectMapped);
        return features;
    }

    private static long GetFeatures(Vcpu caller, ulong argument)
    {
        if (!GuestAccess.TryRead(caller, argument, out FeatureInfo info))
            return EFAULT;
        if (info.SubmapIndex != 0)
            return EINVAL;
        info.Submap = Features(caller.Domain);
        return GuestAccess.TryWrite(caller, argument, in info) ? 0 : EFAULT;
    }

    // A fixed field of the size of the buffer, zero-filled and always terminated.
    private static long WriteText(Vcpu caller, ulong argument, ReadOnlySpan<byte> text, Span<byte> field)
    {
        caller.Continuation.Spend(field.Length / BytesPerUnit);
        field.Clear();
        text.Slice(0, Math.Min(text.Length, field.Length - 1)).CopyTo(field);
        return GuestAccess.Write(caller, argument, field) ? 0 : EFAULT;
    }

    private static long GetCompileInfo(Vcpu caller, ulong argument)
    {
        CompileInfo info = default;
        Span<byte> bytes = AbiBytes.Of(ref info);
        BuildInformation.Compiler.CopyTo(bytes);
        BuildInformation.CompiledBy.CopyTo(bytes.Slice(64));
        BuildInformation.CompileDomain.CopyTo(bytes.Slice(64 + 16));
        BuildInformation.CompileDate.CopyTo(bytes.Slice(64 + 16 + 32));
        return GuestAccess.TryWrite(caller, argument, in info) ? 0 : EFAULT;
    }

    private static long GetBuildId(Vcpu caller, ulong argument)
    {
        if (!caller.Domain.IsPrivileged)
            return EPERM;
        uint capacity = 0;
        if (argument != 0)
        {
            if (!GuestAccess.TryRead(caller, argument, out capacity))
                return EFAULT;
            if (capacity == 0)
                return EINVAL;
        }

        ReadOnlySpan<byte> id = caller.Host.Options.BuildId;
        if (id.Length == 0)
            return ENODATA;
        if (argument == 0)
            return id.Length;
        if ((uint)id.Length > capacity)
            return ENOBUFS;
        return GuestAccess.Write(caller, argument + sizeof(uint), id) ? id.Length : EFAULT;
    }
}
