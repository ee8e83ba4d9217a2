// SPDX-License-Identifier: MIT
// PV network: requests and responses. Contract: xen/include/public/io/netif.h of Xen 4.17 (MIT). Used by the hypercall
// handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>Flags of a transmit request, NETTXF_*.</summary>
public enum NetifTxFlags : ushort
{
    ChecksumBlank = 1 << 0, // NETTXF_csum_blank
    DataValidated = 1 << 1, // NETTXF_data_validated
    MoreData = 1 << 2, // NETTXF_more_data
    ExtraInfo = 1 << 3, // NETTXF_extra_info
}

/// <summary>Flags of a receive response, NETRXF_*.</summary>
public enum NetifRxFlags : ushort
{
    DataValidated = 1 << 0, // NETRXF_data_validated
    ChecksumBlank = 1 << 1, // NETRXF_csum_blank
    MoreData = 1 << 2, // NETRXF_more_data
    ExtraInfo = 1 << 3, // NETRXF_extra_info
    GsoPrefix = 1 << 4, // NETRXF_gso_prefix
}

/// <summary>Types of extra segments.</summary>
public enum NetifExtraType : byte
{
    None = 0, // XEN_NETIF_EXTRA_TYPE_NONE: Never used - invalid
    Gso = 1, // XEN_NETIF_EXTRA_TYPE_GSO: u.gso
    MulticastAdd = 2, // XEN_NETIF_EXTRA_TYPE_MCAST_ADD: u.mcast
    MulticastDel = 3, // XEN_NETIF_EXTRA_TYPE_MCAST_DEL: u.mcast
    Hash = 4, // XEN_NETIF_EXTRA_TYPE_HASH: u.hash
    Max = 5, // XEN_NETIF_EXTRA_TYPE_MAX
}

/// <summary>Result of a request, NETIF_RSP_*.</summary>
public enum NetifStatus : short
{
    Dropped = -2, // NETIF_RSP_DROPPED
    Error = -1, // NETIF_RSP_ERROR
    Okay = 0, // NETIF_RSP_OKAY
    Null = 1, // NETIF_RSP_NULL: No response: used for auxiliary requests (e.g., netif_extra_info_t).
}

/// <summary>Requests of the control ring.</summary>
public enum NetifControlType : ushort
{
    Invalid = 0, // XEN_NETIF_CTRL_TYPE_INVALID
    GetHashFlags = 1, // XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS
    SetHashFlags = 2, // XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS
    SetHashKey = 3, // XEN_NETIF_CTRL_TYPE_SET_HASH_KEY
    GetHashMappingSize = 4, // XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE
    SetHashMappingSize = 5, // XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE
    SetHashMapping = 6, // XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING
    SetHashAlgorithm = 7, // XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM
    GetGrantRefMappingSize = 8, // XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE
    AddGrantRefMapping = 9, // XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING
    DelGrantRefMapping = 10, // XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING
}

/// <summary>Result of a control request.</summary>
public enum NetifControlStatus : uint
{
    Success = 0, // XEN_NETIF_CTRL_STATUS_SUCCESS
    NotSupported = 1, // XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED
    InvalidParameter = 2, // XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER
    BufferOverflow = 3, // XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW
}

/// <summary>Further numbers.</summary>
public static class NetifConstants
{
    // XEN_NETIF_NR_SLOTS_MIN: Older implementation of Xen network frontend / backend has an implicit dependency on the MAX_SKB_FRAGS as the maximum
    // number of ring slots a skb can use. Netfront / netback may not work as expected when frontend and backend have different MAX_SKB_FRAGS.
    public const uint CountSlotsMin = 18;

    public const uint ControlHashTypeIpv4 = 1u << 0; // XEN_NETIF_CTRL_HASH_TYPE_IPV4
    public const uint ControlHashTypeIpv4Tcp = 1u << 1; // XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP
    public const uint ControlHashTypeIpv6 = 1u << 2; // XEN_NETIF_CTRL_HASH_TYPE_IPV6
    public const uint ControlHashTypeIpv6Tcp = 1u << 3; // XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP
    public const uint ControlHashAlgorithmNone = 0; // XEN_NETIF_CTRL_HASH_ALGORITHM_NONE
    public const uint ControlHashAlgorithmToeplitz = 1; // XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ
    public const uint CtrlfGrantRefReadOnly = 1u << 0; // XEN_NETIF_CTRLF_GREF_readonly
    public const uint MaxTxSize = 0xFFFF; // XEN_NETIF_MAX_TX_SIZE
    public const uint ExtraFlagMore = 1u << 0; // XEN_NETIF_EXTRA_FLAG_MORE
    public const uint GsoTypeNone = 0; // XEN_NETIF_GSO_TYPE_NONE: GSO types
    public const uint GsoTypeTcpv4 = 1; // XEN_NETIF_GSO_TYPE_TCPV4
    public const uint GsoTypeTcpv6 = 2; // XEN_NETIF_GSO_TYPE_TCPV6
}

/// <summary>
/// struct xen_netif_ctrl_request, 16 bytes. Control requests (struct xen_netif_ctrl_request) ================================================
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct NetifControlRequest
{
    public ushort Id;
    public ushort Type;
    public UInt32Array3 Data;
}

/// <summary>
/// struct xen_netif_ctrl_response, 12 bytes. Control responses (struct xen_netif_ctrl_response) ==================================================
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct NetifControlResponse
{
    public ushort Id;
    public ushort Type;
    public uint Status;
    public uint Data;
}

/// <summary>struct xen_netif_gref, 8 bytes. Static Grants (struct xen_netif_gref) =====================================</summary>
[StructLayout(LayoutKind.Sequential)]
public struct NetifGrantRef
{
    public uint Ref;
    public ushort Flags;
    public ushort Status;
}

/// <summary>struct netif_tx_request, 12 bytes. Packet to be followed by extra descriptor(s).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct NetifTxRequest
{
    public uint GrantRef;
    public ushort Offset;
    public ushort Flags;
    public ushort Id;
    public ushort Size;
}

/// <summary>struct netif_extra_info, member u.gso, 6 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct NetifExtraInfoGso
{
    public ushort Size;
    public byte Type;
    public byte Pad;
    public ushort Features;
}

/// <summary>struct netif_extra_info, member u.mcast, 6 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct NetifExtraInfoMulticast
{
    public ByteArray6 Address;
}

/// <summary>struct netif_extra_info, member u.hash, 6 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct NetifExtraInfoHash
{
    public byte Type;
    public byte Algorithm;
    public ByteArray4 Value;
}

/// <summary>
/// struct netif_extra_info, 8 bytes. This structure needs to fit within both netif_tx_request_t and netif_rx_response_t for compatibility.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct NetifExtraInfo
{
    public byte Type;
    public byte Flags;
    public UInt16Array3 U; // union: gso (NetifExtraInfoGso), mcast (NetifExtraInfoMulticast), hash (NetifExtraInfoHash), pad (ushort[3]).
}

/// <summary>struct netif_tx_response, 4 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct NetifTxResponse
{
    public ushort Id;
    public short Status;
}

/// <summary>struct netif_rx_request, 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct NetifRxRequest
{
    public ushort Id; // Echoed in response message.
    public ushort Pad;
    public uint GrantRef;
}

/// <summary>struct netif_rx_response, 8 bytes. Packet has GSO prefix. Deprecated but included for compatibility</summary>
[StructLayout(LayoutKind.Sequential)]
public struct NetifRxResponse
{
    public ushort Id;
    public ushort Offset;
    public ushort Flags;
    public short Status;
}
