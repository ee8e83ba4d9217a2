// SPDX-License-Identifier: MIT
// Interfaces of the backends' network: names, addresses, bridges. netdevice(7), include/uapi/linux/sockios.h. Used by the toolstack.

using System;
using System.Buffers.Binary;
using System.IO;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace XenSharp.Interop;

public static unsafe class NetworkInterface
{
    private const uint GetFlags = 0x8913, SetFlags = 0x8914, SetMtu = 0x8922, SetName = 0x8923, SetAddress = 0x8924, GetIndex = 0x8933, AddToBridge = 0x89A2, RemoveFromBridge = 0x89A3;
    private const int RequestSize = 40, NameSize = 16, InternetFamily = 2, Datagram = 2;
    private const ushort Up = 1, Ethernet = 1;

    /// <summary>Whether there is an interface of this name.</summary>
    public static bool Exists(string name) => name.Length > 0 && Directory.Exists("/sys/class/net/" + name);

    public static bool IsBridge(string name) => Directory.Exists($"/sys/class/net/{name}/bridge");

    public static bool IsOnBridge(string name, string bridge) => Directory.Exists($"/sys/class/net/{bridge}/brif/{name}");

    public static void SetUp(string name, bool isUp)
    {
        Span<byte> request = stackalloc byte[RequestSize];
        Call(GetFlags, name, request, "reading the state of");
        ushort flags = BinaryPrimitives.ReadUInt16LittleEndian(request[NameSize..]);
        BinaryPrimitives.WriteUInt16LittleEndian(request[NameSize..], (ushort)(isUp ? flags | Up : flags & ~Up));
        Call(SetFlags, name, request, isUp ? "bringing up" : "taking down");
    }

    public static void Rename(string name, string newName)
    {
        Span<byte> request = stackalloc byte[RequestSize];
        WriteName(newName, request[NameSize..]);
        Call(SetName, name, request, "renaming");
    }

    public static void SetMaximumPacket(string name, int bytes)
    {
        Span<byte> request = stackalloc byte[RequestSize];
        BinaryPrimitives.WriteInt32LittleEndian(request[NameSize..], bytes);
        Call(SetMtu, name, request, "setting the MTU of");
    }

    /// <param name="address">Six bytes.</param>
    public static void SetHardwareAddress(string name, ReadOnlySpan<byte> address)
    {
        Span<byte> request = stackalloc byte[RequestSize];
        BinaryPrimitives.WriteUInt16LittleEndian(request[NameSize..], Ethernet);
        address.CopyTo(request[(NameSize + 2)..]);
        Call(SetAddress, name, request, "setting the address of");
    }

    public static void Join(string bridge, string name) => ChangeBridge(AddToBridge, bridge, name, $"adding {name} to");

    public static void Leave(string bridge, string name) => ChangeBridge(RemoveFromBridge, bridge, name, $"taking {name} from");

    private static void ChangeBridge(uint operation, string bridge, string name, string what)
    {
        Span<byte> request = stackalloc byte[RequestSize];
        Call(GetIndex, name, request, "finding");
        Call(operation, bridge, request, what);
    }

    private static void Call(uint operation, string name, Span<byte> request, string what)
    {
        WriteName(name, request);
        using SafeFileHandle socket = new(SystemFailure.Check(LibC.socket(InternetFamily, Datagram | LibC.SOCK_CLOEXEC, 0), "opening a socket"), ownsHandle: true);
        // SAFETY: struct ifreq, 40 bytes, pinned for the call.
        fixed (byte* start = request)
            SystemFailure.Check(LibC.ioctl(socket, operation, start), $"{what} {name}");
    }

    private static void WriteName(string name, Span<byte> place)
    {
        place[..NameSize].Clear();
        if (name.Length is 0 or >= NameSize)
            throw new ArgumentException($"{name} is no name of a network interface: it must have 1 to {NameSize - 1} letters.");
        Encoding.ASCII.GetBytes(name, place);
    }
}
