// SPDX-License-Identifier: MIT
// What the ring code needs of the world: shared memory, copies of granted pages, and the event channel. Tests put plain memory there.

using System;
using XenSharp.Interop;

namespace XenSharp.BlockBackend.Rings;

/// <summary>The ring's pages, which the frontend may change at any time.</summary>
internal abstract class RingPages
{
    public abstract int Length { get; }

    public abstract uint Read32(int offset);

    public abstract void Write32(int offset, uint value);

    public abstract void Read(int offset, Span<byte> destination);

    public abstract void Write(int offset, ReadOnlySpan<byte> source);
}

/// <summary>The frontend's pages and its attention.</summary>
internal abstract class FrontendLink
{
    /// <summary>Copies all segments; each one's status says how it went.</summary>
    public abstract void Copy(Span<GrantCopySegment> segments, Span<byte> buffer);

    public abstract void Notify();
}

/// <summary><see cref="RingPages"/> in granted pages.</summary>
internal sealed class GrantedRingPages(SharedPages pages) : RingPages
{
    public override int Length => pages.Length;

    public override uint Read32(int offset) => pages.Read32(offset);

    public override void Write32(int offset, uint value) => pages.Write32(offset, value);

    public override void Read(int offset, Span<byte> destination) => pages.Read(offset, destination);

    public override void Write(int offset, ReadOnlySpan<byte> source) => pages.Write(offset, source);
}

/// <summary><see cref="FrontendLink"/> by the kernel's grant and event devices.</summary>
internal sealed class GrantLink(GrantDevice grants, EventChannelDevice events, uint port) : FrontendLink
{
    public override void Copy(Span<GrantCopySegment> segments, Span<byte> buffer) => grants.Copy(segments, buffer);

    public override void Notify() => events.Notify(port);
}
