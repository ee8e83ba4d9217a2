// SPDX-License-Identifier: MIT
// What a block frontend offers in xenstore: rings, event channels and its word size (xen/include/public/io/blkif.h). Used by Disk.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using XenSharp.BlockBackend.Rings;

namespace XenSharp.BlockBackend.Xenbus;

/// <summary>One queue: the grants of its ring's pages, and the port to bind to.</summary>
internal readonly record struct FrontendRing(uint[] References, uint Port);

/// <summary>Everything here is the guest's word; numbers out of range are refused by a sentence.</summary>
internal sealed record FrontendRings(RingProtocol Protocol, IReadOnlyList<FrontendRing> Rings)
{
    public static FrontendRings Read(DeviceStore store, string frontend, int maxQueues, int maxRingPageOrder)
    {
        string? name = store.Read(frontend + "/protocol");
        RingProtocol protocol = RingProtocol.Named(name) ?? throw new InvalidDataException($"the protocol {Quoted(name!)} is not supported");
        uint order = Number(store, frontend + "/ring-page-order") ?? 0;
        if (order > maxRingPageOrder)
            throw new InvalidDataException($"ring-page-order {order} is above the maximum of {maxRingPageOrder}");
        bool single = store.Read(frontend + "/ring-page-order") == null;
        uint queues = Number(store, frontend + "/multi-queue-num-queues") ?? 1;
        if (queues is 0 || queues > maxQueues)
            throw new InvalidDataException($"multi-queue-num-queues {queues} is not between 1 and {maxQueues}");
        var rings = new List<FrontendRing>();
        for (int i = 0; i < queues; i++)
            rings.Add(ReadRing(store, queues == 1 ? frontend : $"{frontend}/queue-{i}", single, 1 << (int)order));
        return new FrontendRings(protocol, rings);
    }

    private static FrontendRing ReadRing(DeviceStore store, string path, bool single, int pages)
    {
        uint[] references = new uint[pages];
        for (int i = 0; i < pages; i++)
        {
            string node = single ? path + "/ring-ref" : $"{path}/ring-ref{i}";
            references[i] = Number(store, node) ?? throw new InvalidDataException($"{node} is missing");
        }

        uint port = Number(store, path + "/event-channel") ?? throw new InvalidDataException($"{path}/event-channel is missing");
        return new FrontendRing(references, port);
    }

    private static uint? Number(DeviceStore store, string path)
    {
        if (store.Read(path) is not string text)
            return null;
        return uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint value) ? value
            : throw new InvalidDataException($"{path} is {Quoted(text)}, not a number");
    }

    // A guest's text in a log: short, and nothing in it that a terminal obeys.
    private static string Quoted(string text)
    {
        const int longest = 40;
        Span<char> shown = stackalloc char[Math.Min(text.Length, longest)];
        for (int i = 0; i < shown.Length; i++)
            shown[i] = text[i] is >= ' ' and <= '~' ? text[i] : '?';
        return $"\"{shown}\"{(text.Length > longest ? "..." : "")}";
    }
}
