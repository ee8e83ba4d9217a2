// SPDX-License-Identifier: MIT
// A system call that failed. Thrown by this folder's types.

using System;
using System.Runtime.InteropServices;

namespace XenSharp.Interop;

public sealed class SystemFailure : Exception
{
    public SystemFailure(string call)
        : this(call, Marshal.GetLastPInvokeError())
    {
    }

    public SystemFailure(string call, int error)
        : base($"{call}: {Marshal.GetPInvokeErrorMessage(error)}") => Error = error;

    /// <summary>errno.</summary>
    public int Error { get; }

    internal static int Check(int result, string call) => result >= 0 ? result : throw new SystemFailure(call);
}
