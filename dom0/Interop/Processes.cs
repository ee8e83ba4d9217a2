// SPDX-License-Identifier: MIT
// Signals to other processes. Used by the xenstore daemon's keeper and by tests.

namespace XenSharp.Interop;

public static partial class Processes
{
    public const int HangUp = 1;
    public const int Kill = 9;
    public const int Terminate = 15;

    public static bool Signal(int process, int signal) => SendSignal(process, signal) == 0;

    [System.Runtime.InteropServices.LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int process, int signal);
}
