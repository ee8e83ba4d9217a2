// SPDX-License-Identifier: MIT
// Who may work on whose event channels (XSM_TARGET of xen/include/xsm/dummy.h).

using XenSharp.Core.Domains;

namespace XenSharp.Core.EventChannels;

/// <summary>The rule for EVTCHNOP_alloc_unbound, status and reset; binding and sending need none.</summary>
internal static class EventChannelPermission
{
    public static bool Allows(Domain asking, Domain about) => asking == about || asking.IsPrivileged;
}
