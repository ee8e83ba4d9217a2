// SPDX-License-Identifier: MIT
// An operation that the hypervisor refused. Thrown by Hypervisor's methods.

using System;
using System.Runtime.InteropServices;
using XenSharp.Abi;

namespace XenSharp.Control;

/// <param name="operation">What was asked for, by the name that Xen's interface has for it: "createdomain", "XENMEM_populate_physmap".</param>
/// <param name="domain">Whom it was about; null for the machine.</param>
/// <param name="error">Why not.</param>
public sealed class HypercallException(string operation, int? domain, Errno error) : Exception(Text(operation, domain, error))
{
    public string Operation { get; } = operation;

    public int? Domain { get; } = domain;

    public Errno Error { get; } = error;

    private static string Text(string operation, int? domain, Errno error) =>
        $"the hypervisor refused {operation}{(domain is { } id ? $" of domain {id}" : "")}: {Marshal.GetPInvokeErrorMessage((int)error)} (errno {(int)error})";
}
