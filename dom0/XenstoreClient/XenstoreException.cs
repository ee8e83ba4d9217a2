// SPDX-License-Identifier: MIT
// An error that xenstore answered, or the end of the connection. Thrown by XenstoreConnection.

using System;

namespace XenSharp.XenstoreClient;

/// <summary>An error that xenstore answered, or the end of the connection.</summary>
/// <param name="error">The name as it came, such as ENOENT.</param>
/// <param name="request">What was asked for.</param>
public sealed class XenstoreException(string error, string request) : Exception($"{request}: {error}")
{
    /// <summary>The name as it came, such as ENOENT.</summary>
    public string Error { get; } = error;

    /// <summary>There is no such node, watch or domain.</summary>
    public bool IsNotFound => Error == "ENOENT";

    /// <summary>The transaction was disturbed by another one.</summary>
    public bool IsConflict => Error == "EAGAIN";
}
