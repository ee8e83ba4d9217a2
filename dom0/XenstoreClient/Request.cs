// SPDX-License-Identifier: MIT
// What is asked of the daemon: a message before it has a number. Made by XenstoreView and XenstoreBatch, sent by XenstoreConnection.

using System;
using System.Collections.Generic;

namespace XenSharp.XenstoreClient;

/// <param name="What">What failures call it.</param>
internal readonly record struct Request(MessageType Type, byte[] Payload, string What)
{
    public static Request Write(string path, ReadOnlySpan<byte> value) => new(MessageType.Write, [.. Wire.Strings(path), .. value], path);

    public static Request MakeDirectory(string path) => new(MessageType.MakeDirectory, Wire.Strings(path), path);

    public static Request Remove(string path) => new(MessageType.Remove, Wire.Strings(path), path);

    public static Request SetPermissions(string path, IEnumerable<XenstorePermission> permissions)
    {
        List<string> strings = [path];
        foreach (XenstorePermission permission in permissions)
            strings.Add(permission.ToString());
        return new(MessageType.SetPermissions, Wire.Strings([.. strings]), path);
    }
}
