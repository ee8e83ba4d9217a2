// SPDX-License-Identifier: MIT
// Requests as bytes, for the load generator.

using System;
using System.Buffers.Binary;
using System.Text;
using XenSharp.Abi;

namespace XenSharp.Bench.Xenstore;

internal static class Requests
{
    public const int HeaderSize = 16;

    /// <param name="payload">A bar stands for a nul.</param>
    public static byte[] Make(XenstoreMessageType type, string payload, uint transaction = 0)
    {
        byte[] message = new byte[HeaderSize + payload.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(message, (uint)type);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(8), transaction);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(12), (uint)payload.Length);
        Encoding.ASCII.GetBytes(payload, message.AsSpan(HeaderSize));
        message.AsSpan(HeaderSize).Replace((byte)'|', (byte)0);
        return message;
    }

    public static void SetTransaction(Span<byte> message, uint transaction) => BinaryPrimitives.WriteUInt32LittleEndian(message[8..], transaction);

    public static int Length(ReadOnlySpan<byte> message) => HeaderSize + BinaryPrimitives.ReadInt32LittleEndian(message[12..]);

    public static XenstoreMessageType Type(ReadOnlySpan<byte> message) => (XenstoreMessageType)BinaryPrimitives.ReadUInt32LittleEndian(message);
}
