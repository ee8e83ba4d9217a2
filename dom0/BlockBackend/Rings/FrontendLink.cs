// SPDX-License-Identifier: MIT
// What the ring code needs of the world beside the ring itself: copies of granted pages, and the event channel. Tests put plain memory there.

using System;
using XenSharp.Interop;

namespace XenSharp.BlockBackend.Rings;

/// <summary>The frontend's pages and its attention.</summary>
internal abstract class FrontendLink
{
    /// <summary>Copies all segments; each one's status says how it went.</summary>
    public abstract void Copy(Span<GrantCopySegment> segments, Span<byte> buffer);

    public abstract void Notify();
}

/// <summary><see cref="FrontendLink"/> by the kernel's grant and event devices.</summary>
internal sealed class GrantLink(GrantDevice grants, EventChannelDevice events, uint port) : FrontendLink
{
    public override void Copy(Span<GrantCopySegment> segments, Span<byte> buffer) => grants.Copy(segments, buffer);

    public override void Notify() => events.Notify(port);
}
