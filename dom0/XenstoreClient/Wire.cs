// SPDX-License-Identifier: MIT
// Messages as bytes. Contract: xen/include/public/io/xs_wire.h of Xen 4.17. Used by XenstoreConnection.

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;

namespace XenSharp.XenstoreClient;

internal enum MessageType : uint
{
    Control = 0,
    Directory = 1,
    Read = 2,
    GetPermissions = 3,
    Watch = 4,
    Unwatch = 5,
    TransactionStart = 6,
    TransactionEnd = 7,
    Introduce = 8,
    Release = 9,
    GetDomainPath = 10,
    Write = 11,
    MakeDirectory = 12,
    Remove = 13,
    SetPermissions = 14,
    WatchEvent = 15,
    Error = 16,
    IsDomainIntroduced = 17,
    Resume = 18,
    SetTarget = 19,
    ResetWatches = 21,
    DirectoryPart = 22,
}

internal static class Wire
{
    public const int HeaderSize = 16;
    public const int MostPayload = 4096;

    public static byte[] Message(MessageType type, uint request, uint transaction, ReadOnlySpan<byte> payload)
    {
        byte[] message = new byte[HeaderSize + payload.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(message, (uint)type);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(4), request);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(8), transaction);
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(12), payload.Length);
        payload.CopyTo(message.AsSpan(HeaderSize));
        return message;
    }

    /// <summary>Strings, each with its nul.</summary>
    public static byte[] Strings(params ReadOnlySpan<string> strings)
    {
        List<byte> bytes = [];
        foreach (string text in strings)
        {
            bytes.AddRange(Encoding.UTF8.GetBytes(text));
            bytes.Add(0);
        }
        return [.. bytes];
    }

    public static string[] Split(ReadOnlySpan<byte> payload)
    {
        if (payload.Length > 0 && payload[^1] == 0)
            payload = payload[..^1];
        return payload.IsEmpty ? [] : Encoding.UTF8.GetString(payload).Split('\0');
    }
}
