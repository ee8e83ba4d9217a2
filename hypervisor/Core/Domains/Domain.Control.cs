// SPDX-License-Identifier: MIT
// What the toolstack settles before a domain runs.

namespace XenSharp.Core.Domains;

public sealed partial class Domain
{
    /// <summary>The domain has been unpaused for the first time: its CPU policy is final (creation_finished of Xen).</summary>
    public bool IsCreationFinished { get; internal set; }
}
