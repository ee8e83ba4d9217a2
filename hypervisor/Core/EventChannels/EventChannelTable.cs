// SPDX-License-Identifier: MIT
// A domain's event channels.

using XenSharp.Core.Domains;

namespace XenSharp.Core.EventChannels;

/// <summary>All ports of one domain.</summary>
public sealed class EventChannelTable(Domain domain)
{
    public Domain Domain { get; } = domain;
}
