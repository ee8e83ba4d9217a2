// SPDX-License-Identifier: MIT
// Marks tests of what only our hypervisor says; with another one in XENSHARP_HYPERVISOR (real Xen, the oracle) they are skipped.

using XenSharp.Lab.Common;
using Xunit;

namespace XenSharp.Tests.Boot;

public sealed class OwnHypervisorFactAttribute : FactAttribute
{
    public OwnHypervisorFactAttribute() => Skip = OwnHypervisor.Reason;
}

public sealed class OwnHypervisorTheoryAttribute : TheoryAttribute
{
    public OwnHypervisorTheoryAttribute() => Skip = OwnHypervisor.Reason;
}

internal static class OwnHypervisor
{
    public static string? Reason =>
        Repository.Hypervisor == Repository.BuiltHypervisor ? null : $"tests our own hypervisor's messages, but XENSHARP_HYPERVISOR is {Repository.Hypervisor}";
}
