// SPDX-License-Identifier: MIT
// A system call that failed: the one failure that this folder's types throw. An IOException, so that who only cares that the outside failed catches both.

using System.IO;
using System.Runtime.InteropServices;

namespace XenSharp.Interop;

public sealed class SystemFailure : IOException
{
    /// <param name="what">What was being done; the error's text follows it.</param>
    public SystemFailure(string what)
        : this(what, Marshal.GetLastPInvokeError())
    {
    }

    public SystemFailure(string what, int error)
        : base($"{what}: {Marshal.GetPInvokeErrorMessage(error)}") => Error = error;

    internal SystemFailure(string what, int error, string advice)
        : base($"{what}: {Marshal.GetPInvokeErrorMessage(error)} ({advice})") => Error = error;

    /// <summary>errno.</summary>
    public int Error { get; }

    internal static int Check(int result, string what) => result >= 0 ? result : throw new SystemFailure(what);
}
