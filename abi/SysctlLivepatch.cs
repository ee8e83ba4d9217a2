// SPDX-License-Identifier: MIT
// System control: live patches. Contract: xen/include/public/sysctl.h of Xen 4.17 (MIT). Used by the hypercall
// handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>
/// struct xen_livepatch_name, 16 bytes. Structure describing an ELF payload. Uniquely identifies the payload. Should be human readable. Recommended
/// length is upto XEN_LIVEPATCH_NAME_SIZE. Includes the NUL terminator.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct LivepatchName
{
    public ulong Name; // IN: guest handle of char. pointer to name.
    public ushort Size; // IN: size of name. May be upto XEN_LIVEPATCH_NAME_SIZE.
    public UInt16Array3 Pad; // IN: MUST be zero.
}

/// <summary>
/// struct xen_sysctl_livepatch_upload, 32 bytes. Upload a payload to the hypervisor. The payload is verified against basic checks and if there are
/// any issues the proper return code will be returned. The payload is not applied at this time - that is controlled by XEN_SYSCTL_LIVEPATCH_ACTION.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlLivepatchUpload
{
    public LivepatchName Name; // IN: name of the patch.
    public ulong Size; // IN: size of the ELF file.
    public ulong Payload; // IN: guest handle of uint8. the ELF file.
}

/// <summary>struct xen_livepatch_status, 8 bytes. Retrieve an status of an specific payload.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct LivepatchStatus
{
    public uint State; // OUT: LIVEPATCH_STATE_*.
    public int Result; // OUT: 0 if no error, otherwise -XEN_EXX.
}

/// <summary>struct xen_sysctl_livepatch_get, 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlLivepatchGet
{
    public LivepatchName Name; // IN: name of the payload.
    public LivepatchStatus Status; // IN/OUT: state of it.
}

/// <summary>
/// struct xen_sysctl_livepatch_list, 64 bytes. Retrieve an array of abbreviated status, names and metadata of payloads that are loaded in the
/// hypervisor.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlLivepatchList
{
    public uint Version; // OUT: Hypervisor stamps value. If varies between calls, we are getting stale data.
    public uint Index; // IN: Index into hypervisor list.

    // IN/OUT: How many status, name, and len should fill out. Can be zero to get amount of payloads and version; How many payloads left.
    public uint Count;

    public uint Pad; // IN: Must be zero.
    public uint NameTotalSize; // OUT: Total size of all transfer names
    public uint MetadataTotalSize; // OUT: Total size of all transfer metadata
    public ulong Status; // OUT: guest handle of LivepatchStatus. Must have enough space allocate for nr of them.

    // OUT: guest handle of char. Array of names. Each member may have an arbitrary length up to XEN_LIVEPATCH_NAME_SIZE bytes. Must have nr of them.
    public ulong Name;

    public ulong Length; // OUT: guest handle of uint32. Array of lengths of name's. Must have nr of them.

    // OUT: guest handle of char. Array of metadata strings. Each member may have an arbitrary length. Must have nr of them.
    public ulong Metadata;

    public ulong MetadataLength; // OUT: guest handle of uint32. Array of lengths of metadata's. Must have nr of them.
}

/// <summary>
/// struct xen_sysctl_livepatch_action, 32 bytes. Perform an operation on the payload structure referenced by the `name` field. The operation request
/// is asynchronous and the status should be retrieved by using either XEN_SYSCTL_LIVEPATCH_GET or XEN_SYSCTL_LIVEPATCH_LIST hypercall.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlLivepatchAction
{
    public LivepatchName Name; // IN: name of the patch.
    public uint Command; // IN: LIVEPATCH_ACTION_*.
    public uint Timeout; // IN: If zero then uses
    public uint Flags; // IN: action flags.
    public uint Pad; // Provide additional parameters for an action. IN: Always zero.
}

/// <summary>struct xen_sysctl_livepatch_op, 72 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SysctlLivepatchOperation
{
    public uint Command; // IN: XEN_SYSCTL_LIVEPATCH_*.
    public uint Pad; // IN: Always zero.

    // union: upload (SysctlLivepatchUpload), list (SysctlLivepatchList), get (SysctlLivepatchGet), action (SysctlLivepatchAction).
    public UInt64Array8 U;
}
