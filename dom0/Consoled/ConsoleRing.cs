// SPDX-License-Identifier: MIT
// The page of a console, and its two rings. Contract: xen/include/public/io/console.h of Xen 4.17 (struct xencons_interface). Used by GuestConsole.
//
// The guest may write anything anywhere at any time: each index is read once, checked, and used from the copy.

using System;
using XenSharp.Interop;

namespace XenSharp.Consoled;

internal sealed class ConsoleRing(SharedPages page) : IDisposable
{
    public const int InputSize = 1024;
    public const int OutputSize = 2048;

    private const int Output = InputSize;
    private const int InputConsumer = Output + OutputSize;
    private const int InputProducer = InputConsumer + 4;
    private const int OutputConsumer = InputConsumer + 8;
    private const int OutputProducer = InputConsumer + 12;

    /// <summary>How many bytes the guest can be given; 0 too if its indices make no sense.</summary>
    public int InputRoom
    {
        get
        {
            uint used = page.Read32(InputProducer) - page.Read32(InputConsumer);
            return used > InputSize ? 0 : InputSize - (int)used;
        }
    }

    /// <summary>Takes what the guest has written; 0 if there is nothing, or if its indices make no sense, which leaves the ring alone.</summary>
    /// <param name="target">At least <see cref="OutputSize"/> bytes.</param>
    public int TakeOutput(Span<byte> target)
    {
        uint producer = page.Read32(OutputProducer);
        uint consumer = page.Read32(OutputConsumer);
        uint count = producer - consumer;
        if (count is 0 or > OutputSize)
            return 0;
        int place = (int)(consumer % OutputSize);
        int first = Math.Min((int)count, OutputSize - place);
        page.Read(Output + place, target[..first]);
        page.Read(Output, target[first..(int)count]);
        page.Write32(OutputConsumer, producer);
        return (int)count;
    }

    /// <summary>Gives the guest bytes as far as there is room; how many it got.</summary>
    public int GiveInput(ReadOnlySpan<byte> source)
    {
        uint producer = page.Read32(InputProducer);
        uint used = producer - page.Read32(InputConsumer);
        int count = used > InputSize ? 0 : Math.Min(source.Length, InputSize - (int)used);
        if (count == 0)
            return 0;
        int place = (int)(producer % InputSize);
        int first = Math.Min(count, InputSize - place);
        page.Write(place, source[..first]);
        page.Write(0, source[first..count]);
        page.Write32(InputProducer, producer + (uint)count);
        return count;
    }

    public void Dispose() => page.Dispose();
}
