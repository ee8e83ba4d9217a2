// SPDX-License-Identifier: MIT
// A batch of GNTTABOP_copy: from page to page, each side a grant or a page of the caller's. Made by grant_table_op for the length of a call.

using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Core.Grants;

/// <summary>
/// Pages stay pinned from one copy to the next, so that a list of small copies to or from one page pays for it once.
/// <see cref="End"/> must be called.
/// </summary>
internal ref struct GrantCopy(Vcpu caller)
{
    private CopySide _source;
    private CopySide _destination;

    private struct CopySide
    {
        public Domain? Domain;
        public ushort DomainId;
        public bool IsGrant;
        public bool IsHeld;
        public ulong Name;
        public CopyablePage Page;
    }

    public GrantStatus Copy(in GrantTableCopy request)
    {
        GrantStatus status = Prepare(in request);
        if (status == GrantStatus.Okay)
            status = CopyBytes(in request);
        if (status != GrantStatus.Okay)
            End();
        return status;
    }

    /// <summary>Lets go of both pages.</summary>
    public void End()
    {
        Release(ref _source, GrantAccess.Read);
        Release(ref _destination, GrantAccess.Write);
    }

    private GrantStatus Prepare(in GrantTableCopy request)
    {
        bool fromGrant = (request.Flags & GrantCopyFlags.SourceGrantRef) != 0;
        bool toGrant = (request.Flags & GrantCopyFlags.DestinationGrantRef) != 0;
        GrantStatus status = Name(ref _source, GrantAccess.Read, in request.Source, fromGrant);
        if (status == GrantStatus.Okay)
            status = Name(ref _destination, GrantAccess.Write, in request.Destination, toGrant);
        if (status == GrantStatus.Okay)
            status = Hold(ref _source, GrantAccess.Read);
        return status == GrantStatus.Okay ? Hold(ref _destination, GrantAccess.Write) : status;
    }

    // Keeps the side when it is the page of the copy before.
    private GrantStatus Name(ref CopySide side, GrantAccess access, in GrantTableCopyPointer pointer, bool isGrant)
    {
        // Only the caller's own pages can be named by their frames.
        if (pointer.DomainId != DomainIds.Self && !isGrant)
            return GrantStatus.PermissionDenied;
        ulong name = isGrant ? (uint)pointer.U : pointer.U;
        if (side.IsHeld && side.DomainId == pointer.DomainId && side.IsGrant == isGrant && side.Name == name)
            return GrantStatus.Okay;
        Release(ref side, access);
        side.Domain = DomainLookup.ByAnyId(caller.Domain, pointer.DomainId);
        if (pointer.DomainId != DomainIds.Self && caller.Domain.IsPrivileged)
            caller.Processor.Subject = side.Domain;
        side.DomainId = pointer.DomainId;
        side.IsGrant = isGrant;
        side.Name = name;
        return side.Domain == null ? GrantStatus.BadDomain : GrantStatus.Okay;
    }

    private GrantStatus Hold(ref CopySide side, GrantAccess access)
    {
        if (side.IsHeld)
            return GrantStatus.Okay;
        GrantStatus status = TryHold(ref side, access);
        if (status == GrantStatus.Again)
        {
            Domain owner = side.Page.Behind ?? side.Domain!;
            owner.OnDemand.TryPopulate(new Gfn(side.Page.Missing), caller.Processor);
            status = TryHold(ref side, access);
        }

        side.IsHeld = status == GrantStatus.Okay;
        return status == GrantStatus.Again ? GrantStatus.BadPage : status;
    }

    private GrantStatus TryHold(ref CopySide side, GrantAccess access)
    {
        GrantTable table = side.Domain!.Grants;
        if (side.IsGrant)
            return table.PinForCopy((uint)side.Name, caller.Domain.Id, access, caller.Processor, out side.Page);
        side.Page = new CopyablePage { Length = FrameSize.Bytes, Missing = side.Name };
        if (table.TryTakeGuestFrame(side.Name, caller.Processor, out side.Page.Frame))
            return GrantStatus.Okay;
        return table.IsOnDemand(side.Name) ? GrantStatus.Again : GrantStatus.BadPage;
    }

    private void Release(ref CopySide side, GrantAccess access)
    {
        if (!side.IsHeld)
            return;
        side.IsHeld = false;
        if (side.IsGrant)
            side.Domain!.Grants.UnpinCopy((uint)side.Name, access, in side.Page, caller.Processor);
        else
            FrameReferences.Drop(caller.Host, side.Page.Frame, caller.Processor);
    }

    private GrantStatus CopyBytes(in GrantTableCopy request)
    {
        int length = request.Length;
        if (request.Source.Offset + length > FrameSize.Bytes || request.Destination.Offset + length > FrameSize.Bytes)
            return GrantStatus.BadCopyArgument;
        if (!IsInside(in _source.Page, request.Source.Offset, length) || !IsInside(in _destination.Page, request.Destination.Offset, length))
            return GrantStatus.GeneralError;
        caller.Host.Memory.Copy(_destination.Page.Frame, request.Destination.Offset, _source.Page.Frame, request.Source.Offset, length);
        return GrantStatus.Okay;
    }

    private static bool IsInside(in CopyablePage page, int offset, int length) => offset >= page.Start && offset + length <= page.Start + page.Length;
}
