// SPDX-License-Identifier: MIT
// Reading, writing, appending and waiting on plain descriptors, and limits on how many there are. Used by the console daemon and its client.

using System;
using System.Runtime.InteropServices;
using System.Text;

namespace XenSharp.Interop;

/// <summary>struct pollfd.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PollEntry
{
    /// <summary>A negative one is passed over.</summary>
    public int Descriptor;

    public short Wanted;

    public short Seen;

    public const short Readable = 1;

    public static PollEntry ForReading(int descriptor) => new() { Descriptor = descriptor, Wanted = Readable };

    /// <summary>There are bytes, or the other side is gone: reading does not wait.</summary>
    public readonly bool IsReady => Seen != 0;
}

public static unsafe partial class Descriptors
{
    private const int Interrupted = LibC.EINTR, WouldBlock = LibC.EAGAIN;

    public static TransferState Read(int descriptor, Span<byte> target, out int count)
    {
        // SAFETY: the span is pinned during the call and its length is given.
        fixed (byte* start = target)
            return Result(Read(descriptor, start, target.Length), out count);
    }

    public static TransferState Write(int descriptor, ReadOnlySpan<byte> source, out int count)
    {
        // SAFETY: as Read.
        fixed (byte* start = source)
            return Result(Write(descriptor, start, source.Length), out count);
    }

    /// <summary>Writes all of it, waiting where it must; false if the other side is gone.</summary>
    public static bool WriteAll(int descriptor, ReadOnlySpan<byte> source)
    {
        while (source.Length > 0)
        {
            switch (Write(descriptor, source, out int count))
            {
                case TransferState.Done:
                    source = source[count..];
                    break;
                case TransferState.Closed:
                    return false;
                case TransferState.Blocked:
                    PollEntry entry = new() { Descriptor = descriptor, Wanted = 4 /* POLLOUT */ };
                    Poll(new Span<PollEntry>(ref entry), -1);
                    break;
            }
        }
        return true;
    }

    /// <summary>How many entries saw something; 0 after the time or a signal.</summary>
    /// <param name="timeoutMs">Negative for ever.</param>
    public static int Poll(Span<PollEntry> entries, int timeoutMs)
    {
        // SAFETY: the entries have the layout of struct pollfd and are pinned during the call.
        fixed (PollEntry* first = entries)
        {
            int count = Poll(first, (nuint)entries.Length, timeoutMs);
            if (count < 0 && Marshal.GetLastPInvokeError() != Interrupted)
                throw new SystemFailure("poll");
            return Math.Max(count, 0);
        }
    }

    public static void Close(int descriptor) => CloseDescriptor(descriptor);

    /// <summary>Opens a file whose every write goes to its end, wherever others have put that; makes it, readable by all, if it is not there.</summary>
    /// <param name="length">How long it is now.</param>
    public static int OpenForAppending(string path, out long length)
    {
        const int writeOnly = 1, append = 0x400, create = 0x40, closeOnExec = 0x80000, readableByAll = 0x1A4;
        // SAFETY: the path is pinned and ends with a nul.
        fixed (byte* name = Encoding.UTF8.GetBytes(path + "\0"))
        {
            int descriptor = SystemFailure.Check(TerminalCalls.open(name, writeOnly | append | create | closeOnExec, readableByAll), $"open {path}");
            length = Seek(descriptor, 0, 2 /* SEEK_END */);
            return descriptor;
        }
    }

    /// <summary>From now on this process's input, output and errors are /dev/null: nothing of the terminal that started it is held any more.</summary>
    public static void LeaveTerminal()
    {
        fixed (byte* name = "/dev/null"u8)
        {
            // SAFETY: the literal is pinned and has a nul behind it.
            int descriptor = SystemFailure.Check(TerminalCalls.open(name, 2 /* O_RDWR */, 0), "open /dev/null");
            for (int standard = 0; standard <= 2; standard++)
                Duplicate(descriptor, standard);
            if (descriptor > 2)
                Close(descriptor);
        }
    }

    /// <summary>Lets this process have so many descriptors; false if the system does not.</summary>
    public static bool TryRaiseLimit(ulong count)
    {
        const int openFiles = 7;    // RLIMIT_NOFILE
        // SAFETY: struct rlimit: the current limit and the most.
        ulong* limit = stackalloc ulong[2];
        if (GetLimit(openFiles, limit) < 0)
            return false;
        if (limit[0] >= count)
            return true;
        limit[0] = count;
        limit[1] = Math.Max(limit[1], count);
        return SetLimit(openFiles, limit) == 0;
    }

    private static TransferState Result(nint result, out int count)
    {
        count = (int)Math.Max(result, 0);
        if (result > 0)
            return TransferState.Done;
        return result < 0 && Marshal.GetLastPInvokeError() is WouldBlock or Interrupted ? TransferState.Blocked : TransferState.Closed;
    }

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Read(int descriptor, byte* buffer, nint length);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(int descriptor, byte* buffer, nint length);

    [LibraryImport("libc", EntryPoint = "dup2")]
    private static partial int Duplicate(int descriptor, int other);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int CloseDescriptor(int descriptor);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(PollEntry* entries, nuint count, int timeoutMs);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    internal static partial int CreateEvent(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long Seek(int descriptor, long offset, int origin);

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    private static partial int GetLimit(int resource, ulong* limit);

    [LibraryImport("libc", EntryPoint = "setrlimit", SetLastError = true)]
    private static partial int SetLimit(int resource, ulong* limit);
}

/// <summary>Wakes a loop that waits for descriptors. Setting may happen on any thread.</summary>
public sealed class WakeEvent : IDisposable
{
    private const int CloseOnExec = 0x80000, NonBlocking = 0x800;

    public int Descriptor { get; private set; } = SystemFailure.Check(Descriptors.CreateEvent(0, CloseOnExec | NonBlocking), "eventfd");

    public void Set() => Descriptors.Write(Descriptor, BitConverter.GetBytes(1UL), out _);

    public void Reset() => Descriptors.Read(Descriptor, stackalloc byte[sizeof(ulong)], out _);

    /// <summary>No other thread may set it any more.</summary>
    public void Dispose()
    {
        if (Descriptor >= 0)
            Descriptors.Close(Descriptor);
        Descriptor = -1;
    }
}
