// SPDX-License-Identifier: MIT
// An error that xenstore answered, or the end of the connection. Thrown by XenstoreConnection.

using System;

namespace XenSharp.XenstoreClient;

/// <param name="error">The name as it came, such as ENOENT.</param>
public sealed class XenstoreException(string error, string request) : Exception($"{request}: {error}")
{
    public string Error { get; } = error;

    public bool IsNotFound => Error == "ENOENT";

    public bool IsConflict => Error == "EAGAIN";
}
