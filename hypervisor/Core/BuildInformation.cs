// SPDX-License-Identifier: MIT
// What the hypervisor says about itself: XENVER_*, the hypfs tree `buildinfo`, the banner.

using System;

namespace XenSharp.Core;

/// <summary>Constants of this build. Major and minor name the interface that we implement, not our own version.</summary>
public static class BuildInformation
{
    public const int Major = 4;
    public const int Minor = 17;

    /// <summary>The point release whose behaviour is matched: tools compare it with their own.</summary>
    public static ReadOnlySpan<byte> ExtraVersion => ".7"u8;

    public static ReadOnlySpan<byte> Changeset => ""u8;

    /// <summary>
    /// Xen's list, in full though there are no PV guests: xenctx takes the size of a vCPU's context from the name of the 64-bit PV type, and
    /// libxenguest asks for the 32-bit HVM name even for a 64-bit PVH guest. What can be created is told by physinfo.
    /// </summary>
    public static ReadOnlySpan<byte> Capabilities => "xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 "u8;

    public static ReadOnlySpan<byte> Compiler => "ilc 10.0 (.NET NativeAOT, freestanding)"u8;

    public static ReadOnlySpan<byte> CompiledBy => "xensharp"u8;

    public static ReadOnlySpan<byte> CompileDomain => ""u8;

    /// <summary>Constant, so that the same sources give the same image.</summary>
    public static ReadOnlySpan<byte> CompileDate => "reproducible build"u8;
}
