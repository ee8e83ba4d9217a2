// SPDX-License-Identifier: MIT
// Version and build of the hypervisor. Contract: xen/include/public/version.h of Xen 4.17 (MIT). Used by the hypercall
// handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Commands of HYPERVISOR_xen_version, XENVER_*.</summary>
public enum VersionOperation : uint
{
    Version = 0, // XENVER_version: arg == NULL; returns major:minor (16:16).
    ExtraVersion = 1, // XENVER_extraversion: arg == xen_extraversion_t.
    CompileInfo = 2, // XENVER_compile_info: arg == xen_compile_info_t.
    Capabilities = 3, // XENVER_capabilities
    ChangeSet = 4, // XENVER_changeset
    PlatformParameters = 5, // XENVER_platform_parameters
    GetFeatures = 6, // XENVER_get_features
    PageSize = 7, // XENVER_pagesize: arg == NULL; returns host memory page size.
    GuestHandle = 8, // XENVER_guest_handle: arg == xen_domain_handle_t.
    CommandLine = 9, // XENVER_commandline

    // XENVER_build_id: Return value is the number of bytes written, or XEN_Exx on error. Calling with empty parameter returns the size of build_id.
    BuildId = 10,
}

/// <summary>Sizes of the strings of HYPERVISOR_xen_version.</summary>
public static class VersionLimits
{
    public const uint ExtraVersionLength = 16; // XEN_EXTRAVERSION_LEN
    public const uint CapabilitiesInfoLength = 1024; // XEN_CAPABILITIES_INFO_LEN
    public const uint ChangeSetInfoLength = 64; // XEN_CHANGESET_INFO_LEN
}

/// <summary>struct xen_compile_info, 144 bytes. arg == xen_compile_info_t.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct CompileInfo
{
    public ByteArray64 Compiler; // OUT
    public ByteArray16 CompileBy; // OUT
    public ByteArray32 CompileDomain; // OUT
    public ByteArray32 CompileDate; // OUT
}

/// <summary>struct xen_platform_parameters, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PlatformParameters
{
    public ulong VirtStart; // OUT
}

/// <summary>struct xen_feature_info, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FeatureInfo
{
    public uint SubmapIndex; // IN: which 32-bit submap to return
    public uint Submap; // OUT: 32-bit submap
}

/// <summary>
/// struct xen_build_id, 4 bytes. Return value is the number of bytes written, or XEN_Exx on error. Calling with empty parameter returns the size of
/// build_id. Followed by a variable-length array <c>buf</c>.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct BuildId
{
    public uint Length; // IN: size of buf[].
}
