// SPDX-License-Identifier: MIT
// A gate without a hypervisor: what a test says answers each call. Buffers are ordinary memory.

using System;
using System.Collections.Generic;
using XenSharp.Abi;
using XenSharp.Interop;

namespace XenSharp.Tests.Tools.Interop;

/// <param name="answer">Gets the hypercall's number and its five arguments.</param>
internal class RecordingGate(Func<HypercallNumber, ulong[], long> answer) : HypercallGate
{
    public List<(HypercallNumber Number, ulong[] Arguments)> Calls { get; } = [];

    public override long Call(HypercallNumber number, ulong first = 0, ulong second = 0, ulong third = 0, ulong fourth = 0, ulong fifth = 0)
    {
        ulong[] arguments = [first, second, third, fourth, fifth];
        Calls.Add((number, arguments));
        return answer(number, arguments);
    }

    public override SharedPages MapForeign(ushort domain, ReadOnlySpan<ulong> frames, bool isWritable, Span<int> errors = default) => throw new NotSupportedException();

    public override SharedPages MapResource(ushort domain, MemoryResource type, uint id, uint firstFrame, int count) => throw new NotSupportedException();

    public override void WriteGranted(ushort domain, uint firstReference, int offset, ReadOnlySpan<byte> source) => throw new NotSupportedException();

    public override long CallDeviceModel(ushort domain, params ReadOnlySpan<Memory<byte>> buffers) => throw new NotSupportedException();
}
