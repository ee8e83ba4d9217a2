// SPDX-License-Identifier: MIT
// Pseudo-terminals and terminal modes: pty(7), termios(3). Used by the console daemon and its client.

using System;
using System.Runtime.InteropServices;
using System.Text;

namespace XenSharp.Interop;

/// <summary>
/// One pseudo-terminal in raw mode. Its other side is held open here too, so that readers may come and go without the terminal being lost.
/// Neither reading nor writing waits.
/// </summary>
public sealed unsafe class PseudoTerminal : IDisposable
{
    private const int NameSize = 64;

    private int _slave;

    private PseudoTerminal(int master, int slave, string name)
    {
        Master = master;
        _slave = slave;
        Name = name;
    }

    /// <summary>The descriptor to wait for.</summary>
    public int Master { get; private set; }

    /// <summary>What a reader opens.</summary>
    public string Name { get; }

    public static PseudoTerminal Open()
    {
        int master = SystemFailure.Check(TerminalCalls.posix_openpt(TerminalCalls.OpenFlags), "posix_openpt");
        int slave = -1;
        try
        {
            SystemFailure.Check(TerminalCalls.grantpt(master), "grantpt");
            SystemFailure.Check(TerminalCalls.unlockpt(master), "unlockpt");
            // SAFETY: the buffer has the length that is given, and ends with a nul on success.
            byte* name = stackalloc byte[NameSize];
            int error = TerminalCalls.ptsname_r(master, name, NameSize);
            if (error != 0)
                throw new SystemFailure("ptsname_r", error);
            slave = SystemFailure.Check(TerminalCalls.open(name, TerminalCalls.OpenFlags, 0), "opening a pseudo-terminal");
            if (!Terminal.TryMakeRaw(slave, out _))
                throw new SystemFailure("tcsetattr");
            SystemFailure.Check(TerminalCalls.fcntl(master, 4 /* F_SETFL */, 2 | 0x800 /* O_RDWR, O_NONBLOCK */), "fcntl");
            return new PseudoTerminal(master, slave, Marshal.PtrToStringUTF8((nint)name)!);
        }
        catch
        {
            Descriptors.Close(master);
            if (slave >= 0)
                Descriptors.Close(slave);
            throw;
        }
    }

    /// <summary>What readers have typed.</summary>
    public TransferState Read(Span<byte> target, out int count) => Descriptors.Read(Master, target, out count);

    /// <summary>Gives readers as much as the terminal takes.</summary>
    public TransferState Write(ReadOnlySpan<byte> source, out int count) => Descriptors.Write(Master, source, out count);

    public void Dispose()
    {
        if (Master < 0)
            return;
        Descriptors.Close(Master);
        Descriptors.Close(_slave);
        Master = _slave = -1;
    }
}

/// <summary>Modes of a terminal.</summary>
public static unsafe class Terminal
{
    /// <summary>More than struct termios needs in any C library.</summary>
    private const int ModesSize = 128;

    public static bool IsTerminal(int descriptor) => TerminalCalls.isatty(descriptor) == 1;

    /// <summary>Opens a terminal without making it this process's own; throws <see cref="SystemFailure"/>.</summary>
    public static int Open(string path)
    {
        // SAFETY: the path is pinned and ends with a nul.
        fixed (byte* name = Encoding.UTF8.GetBytes(path + "\0"))
            return SystemFailure.Check(TerminalCalls.open(name, TerminalCalls.OpenFlags, 0), $"open {path}");
    }

    /// <summary>Passes every byte as it is; false if the descriptor is no terminal.</summary>
    /// <param name="before">What <see cref="Restore"/> takes.</param>
    public static bool TryMakeRaw(int descriptor, out byte[] before)
    {
        before = new byte[ModesSize];
        byte* modes = stackalloc byte[ModesSize];
        // SAFETY: both buffers are larger than the structure.
        if (TerminalCalls.tcgetattr(descriptor, modes) < 0)
            return false;
        new ReadOnlySpan<byte>(modes, ModesSize).CopyTo(before);
        TerminalCalls.cfmakeraw(modes);
        return TerminalCalls.tcsetattr(descriptor, 0 /* TCSANOW */, modes) == 0;
    }

    /// <summary>False if the descriptor is no terminal, or one that does not know its size.</summary>
    public static bool TryGetSize(int descriptor, out int rows, out int columns)
    {
        const int getWindowSize = 0x5413;   // TIOCGWINSZ
        // SAFETY: struct winsize, four 16-bit numbers.
        ushort* size = stackalloc ushort[4];
        bool isKnown = TerminalCalls.ioctl(descriptor, getWindowSize, size) == 0 && size[0] > 0 && size[1] > 0;
        (rows, columns) = isKnown ? (size[0], size[1]) : (0, 0);
        return isKnown;
    }

    public static void Restore(int descriptor, byte[] before)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(before.Length, ModesSize);
        // SAFETY: the array is as large as the one that was filled, and pinned.
        fixed (byte* modes = before)
            TerminalCalls.tcsetattr(descriptor, 0, modes);
    }
}

// SAFETY: declarations; callers above pass pointers to memory that outlives the call, with its true length.
internal static unsafe partial class TerminalCalls
{
    /// <summary>O_RDWR, O_NOCTTY and O_CLOEXEC.</summary>
    public const int OpenFlags = 2 | 0x100 | 0x80000;

    [LibraryImport("libc", SetLastError = true)]
    public static partial int open(byte* path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int ioctl(int descriptor, nuint request, void* argument);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fcntl(int descriptor, int command, nint argument);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int posix_openpt(int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int grantpt(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int unlockpt(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int ptsname_r(int descriptor, byte* name, nint length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int isatty(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int tcgetattr(int descriptor, byte* modes);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int tcsetattr(int descriptor, int when, byte* modes);

    [LibraryImport("libc")]
    public static partial void cfmakeraw(byte* modes);
}
