// SPDX-License-Identifier: MIT
// The launcher's stdout and stderr and the size of its terminal. Used wherever the lab prints.

using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;

namespace XenSharp.Lab.Terminal;

/// <summary>
/// In place of <see cref="Console"/>'s writers: those set the terminal up for .NET's own line editing (application keypad and all), which would stay on
/// while the terminal is the machine's console.
/// </summary>
public static class HostConsole
{
    private const int Stdout = 1;
    private const ulong GetWindowSize = 0x5413;    // TIOCGWINSZ

    private static readonly UTF8Encoding s_encoding = new(encoderShouldEmitUTF8Identifier: false);

    public static TextWriter Out { get; } = TextWriter.Synchronized(new StreamWriter(Console.OpenStandardOutput(), s_encoding) { AutoFlush = true });

    public static TextWriter Error { get; } = TextWriter.Synchronized(new StreamWriter(Console.OpenStandardError(), s_encoding) { AutoFlush = true });

    /// <summary>Columns and rows; zeros when stdout is no terminal.</summary>
    public static (int Columns, int Rows) Size()
    {
        ushort[] size = new ushort[4];    // struct winsize: rows, columns, and two that nobody uses
        return IoControl(Stdout, GetWindowSize, size) == 0 ? (size[1], size[0]) : (0, 0);
    }

    [DllImport("libc", EntryPoint = "ioctl")]
    private static extern int IoControl(int descriptor, ulong request, ushort[] argument);
}
