// SPDX-License-Identifier: MIT
// A domain's grant table.

using XenSharp.Core.Domains;

namespace XenSharp.Core.Grants;

/// <summary>The frames in which a domain grants its pages to others.</summary>
public sealed class GrantTable(Domain domain)
{
    public Domain Domain { get; } = domain;
}
