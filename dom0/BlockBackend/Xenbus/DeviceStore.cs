// SPDX-License-Identifier: MIT
// What the backend needs of xenstore. XenstoreLink is the real one; tests put a tree in memory there.

using System;
using System.Collections.Generic;

namespace XenSharp.BlockBackend.Xenbus;

/// <summary>One thread asks and reads the events. What the store refuses is an <see cref="System.IO.IOException"/>.</summary>
internal abstract class DeviceStore
{
    /// <summary>The value of a node; null when there is none.</summary>
    public abstract string? Read(string path);

    public abstract void Write(string path, string value);

    /// <summary>The names below a node; none when it does not exist.</summary>
    public abstract string[] List(string path);

    /// <summary>Until it is disposed, <see cref="Events"/> yields this path after changes at and below it, and once at the start.</summary>
    public abstract IDisposable Watch(string path);

    /// <summary>Watched paths with news, each only once until it is taken; ends with the connection.</summary>
    public abstract IEnumerable<string> Events { get; }
}
