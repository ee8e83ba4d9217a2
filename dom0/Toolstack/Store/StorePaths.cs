// SPDX-License-Identifier: MIT
// Where a domain's things are in xenstore. docs/misc/xenstore-paths.pandoc of Xen. Used by all of this library.

using System;

namespace XenSharp.Toolstack.Store;

/// <summary>Paths of a domain.</summary>
public static class StorePaths
{
    public static string Domain(int domain) => $"/local/domain/{domain}";

    /// <summary>The toolstack's own notes, which the guest cannot see.</summary>
    public static string Toolstack(int domain) => $"/libxl/{domain}";

    public static string Vm(Guid id) => $"/vm/{id:D}";
}

/// <summary>A device of a guest: which frontend, and which backend serves it.</summary>
/// <param name="Kind">The frontend's kind: vbd, vif, console, ...</param>
/// <param name="BackendKind">The backend's: vbd, qdisk, vif, console, ...</param>
/// <param name="Id">The device's number in the guest.</param>
public sealed record DeviceAddress(int Domain, string Kind, int Id, int BackendDomain, string BackendKind)
{
    /// <summary>The guest's first console has a place of its own.</summary>
    public string Frontend => Kind == "console" && Id == 0 ? $"/local/domain/{Domain}/console" : $"/local/domain/{Domain}/device/{Kind}/{Id}";

    public string Backend => $"/local/domain/{BackendDomain}/backend/{BackendKind}/{Domain}/{Id}";

    public string Toolstack => $"/libxl/{Domain}/device/{Kind}/{Id}";

    /// <summary>The name in messages.</summary>
    public override string ToString() => $"{Kind} {Id}";
}
