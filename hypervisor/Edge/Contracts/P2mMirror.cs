// SPDX-License-Identifier: MIT
// A second set of tables that follows a domain's translation: those of the IOMMU. Called by the port's P2m.

namespace XenSharp.Edge;

/// <summary>Follows every change of a <see cref="P2m"/>, under the lock under which it is changed.</summary>
public abstract class P2mMirror
{
    /// <summary>
    /// Makes room for a change of 2^<paramref name="order"/> frames, so that <see cref="Set"/> cannot fail. False when no page for a
    /// table is left; nothing that a device sees has changed in either case.
    /// </summary>
    public abstract bool Prepare(Gfn guestFrame, int order, P2mType type);

    /// <summary>
    /// Takes the change over; <see cref="P2mType.None"/> removes. What is new is seen before this CPU's guest goes on; what is gone may be used
    /// until the <see cref="Flush"/>.
    /// </summary>
    public abstract void Set(Gfn guestFrame, Mfn frame, int order, P2mType type);

    /// <summary>Returns when no device can use a translation from before any more.</summary>
    public abstract void Flush();
}
