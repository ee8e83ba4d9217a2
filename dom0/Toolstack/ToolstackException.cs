// SPDX-License-Identifier: MIT
// What went wrong with a domain, in one sentence. Thrown by all of this library.

using System;

namespace XenSharp.Toolstack;

/// <param name="message">One sentence that says what failed and, where it helps, what to do.</param>
/// <param name="cause">What the hypervisor, xenstore or the system said.</param>
public class ToolstackException(string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>The named step in which it happened; null outside of steps.</summary>
    public string? Step { get; internal set; }
}
