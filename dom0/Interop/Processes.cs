// SPDX-License-Identifier: MIT
// Signals to other processes, and leaving the terminal. Used by the xenstore daemon's keeper, the toolstack's monitors and tests.

namespace XenSharp.Interop;

public static partial class Processes
{
    public const int HangUp = 1;
    public const int Kill = 9;
    public const int Terminate = 15;

    public static bool Signal(int process, int signal) => SendSignal(process, signal) == 0;

    /// <summary>Leaves the terminal and its session; what is written to standard output and error from now on goes to a file, and input is empty.</summary>
    public static void Detach(string logPath)
    {
        const int append = 0x400;
        LibC.setsid();
        int input = SystemFailure.Check(LibC.open("/dev/null", LibC.O_RDWR | LibC.O_CLOEXEC, 0), "open /dev/null");
        int log = SystemFailure.Check(LibC.open(logPath, LibC.O_RDWR | LibC.O_CREAT | LibC.O_CLOEXEC | append, 0x1A4), $"open {logPath}");
        LibC.dup2(input, 0);
        LibC.dup2(log, 1);
        LibC.dup2(log, 2);
        LibC.close(input);
        LibC.close(log);
    }

    [System.Runtime.InteropServices.LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int process, int signal);
}
