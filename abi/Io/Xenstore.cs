// SPDX-License-Identifier: MIT
// The xenstore protocol: messages and the shared ring. Contract: xen/include/public/io/xs_wire.h of Xen 4.17 (MIT).
// Used by the hypercall handlers, the guests and the tools; layout checked by tests/Unit/Abi.

using System.Runtime.InteropServices;

namespace XenSharp.Abi;

/// <summary>enum xsd_sockmsg_type: types of xenstore messages, XS_*.</summary>
public enum XenstoreMessageType : uint
{
    Control = 0, // XS_CONTROL
    Directory = 1, // XS_DIRECTORY
    Read = 2, // XS_READ
    GetPerms = 3, // XS_GET_PERMS
    Watch = 4, // XS_WATCH
    Unwatch = 5, // XS_UNWATCH
    TransactionStart = 6, // XS_TRANSACTION_START
    TransactionEnd = 7, // XS_TRANSACTION_END
    Introduce = 8, // XS_INTRODUCE
    Release = 9, // XS_RELEASE
    GetDomainPath = 10, // XS_GET_DOMAIN_PATH
    Write = 11, // XS_WRITE
    Mkdir = 12, // XS_MKDIR
    Rm = 13, // XS_RM
    SetPerms = 14, // XS_SET_PERMS
    WatchEvent = 15, // XS_WATCH_EVENT
    Error = 16, // XS_ERROR
    IsDomainIntroduced = 17, // XS_IS_DOMAIN_INTRODUCED
    Resume = 18, // XS_RESUME
    SetTarget = 19, // XS_SET_TARGET
    ResetWatches = 21, // XS_RESET_WATCHES: XS_RESTRICT has been removed
    DirectoryPart = 22, // XS_DIRECTORY_PART
    TypeCount = 23, // XS_TYPE_COUNT: Number of valid types.
    Invalid = 65535, // XS_INVALID: Guaranteed to remain an invalid type
}

/// <summary>enum xs_watch_type: strings of a watch event, XS_WATCH_*.</summary>
public enum XenstoreWatchIndex
{
    Path = 0, // XS_WATCH_PATH
    Token = 1, // XS_WATCH_TOKEN
}

/// <summary>Sizes, features and connection states, XENSTORE_*.</summary>
public static class XenstoreConstants
{
    public const uint RingSize = 1024; // XENSTORE_RING_SIZE: Inter-domain shared memory communications.
    public const uint PayloadMax = 4096; // XENSTORE_PAYLOAD_MAX: Violating this is very bad. See docs/misc/xenstore.txt.
    public const uint AbsPathMax = 3072; // XENSTORE_ABS_PATH_MAX: Violating these just gets you an error back
    public const uint RelPathMax = 2048; // XENSTORE_REL_PATH_MAX
    public const uint ServerFeatureReconnection = 1; // XENSTORE_SERVER_FEATURE_RECONNECTION: The ability to reconnect a ring
    public const uint ServerFeatureError = 2; // XENSTORE_SERVER_FEATURE_ERROR: The presence of the "error" field in the ring page
    public const uint Connected = 0; // XENSTORE_CONNECTED: the steady-state
    public const uint Reconnect = 1; // XENSTORE_RECONNECT: reconnect in progress
    public const uint ErrorNone = 0; // XENSTORE_ERROR_NONE: No error
    public const uint ErrorComm = 1; // XENSTORE_ERROR_COMM: Communication problem
    public const uint ErrorRingidx = 2; // XENSTORE_ERROR_RINGIDX: Invalid ring index
    public const uint ErrorProto = 3; // XENSTORE_ERROR_PROTO: Protocol violation (payload too long)
}

/// <summary>struct xsd_sockmsg, 16 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct XenstoreMessageHeader
{
    public XenstoreMessageType Type; // XS_*
    public uint RequestId; // Request identifier, echoed in daemon's response.
    public uint TxId; // Transaction id (0 if not related to a transaction).
    public uint Length; // Length of data following this.
}

/// <summary>
/// struct xenstore_domain_interface, 2076 bytes. The page shared between a domain and xenstored: two byte rings, indexes run freely and are masked by
/// the size of the ring.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct XenstoreDomainInterface
{
    public ByteArray1024 Request; // Requests to xenstore daemon.
    public ByteArray1024 Response; // Replies and async watch events.
    public uint RequestConsumer;
    public uint RequestProducer;
    public uint ResponseConsumer;
    public uint ResponseProducer;
    public uint ServerFeatures; // Bitmap of features supported by the server
    public uint Connection;
    public uint Error;
}
