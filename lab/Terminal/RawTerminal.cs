// SPDX-License-Identifier: MIT
// Puts the user's terminal into raw mode and back, by libc's own functions: .NET's console keeps echo and signals to itself. Used by TerminalSession.

using System;
using System.Runtime.InteropServices;

namespace XenSharp.Lab.Terminal;

/// <summary>Every key goes through as it is, Ctrl-C included, until this is disposed. Does nothing when stdin is no terminal.</summary>
internal sealed class RawTerminal : IDisposable
{
    private const int Stdin = 0;
    private const int ApplyNow = 0;           // TCSANOW
    private const int TermiosSize = 256;      // struct termios is 60 bytes in glibc; the rest is room

    private readonly byte[]? _before;

    public RawTerminal()
    {
        if (IsATty(Stdin) == 0)
            return;
        byte[] settings = new byte[TermiosSize];
        if (TcGetAttr(Stdin, settings) != 0)
            return;
        _before = (byte[])settings.Clone();
        CfMakeRaw(settings);
        TcSetAttr(Stdin, ApplyNow, settings);
    }

    public bool IsRaw => _before is not null;

    public void Dispose()
    {
        if (_before is not null)
            TcSetAttr(Stdin, ApplyNow, _before);
    }

    [DllImport("libc", EntryPoint = "isatty")]
    private static extern int IsATty(int descriptor);

    [DllImport("libc", EntryPoint = "tcgetattr")]
    private static extern int TcGetAttr(int descriptor, byte[] settings);

    [DllImport("libc", EntryPoint = "tcsetattr")]
    private static extern int TcSetAttr(int descriptor, int actions, byte[] settings);

    [DllImport("libc", EntryPoint = "cfmakeraw")]
    private static extern void CfMakeRaw(byte[] settings);
}
