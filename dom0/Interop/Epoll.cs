// SPDX-License-Identifier: MIT
// Waiting for many descriptors: epoll(7), level-triggered. Used by the daemons' loops and the load generator.

using System;
using System.Runtime.InteropServices;

namespace XenSharp.Interop;

[Flags]
public enum EpollFlags : uint
{
    None = 0,
    Read = 1,
    Write = 4,
    Error = 8,
    HangUp = 16,
}

public sealed unsafe class Epoll : IDisposable
{
    private const int AddOperation = 1;
    private const int RemoveOperation = 2;
    private const int ModifyOperation = 3;

    private readonly int _descriptor = SystemFailure.Check(LibC.epoll_create1(LibC.O_CLOEXEC), "epoll_create1");

    /// <param name="key">Comes back with the descriptor's events.</param>
    public void Add(int descriptor, EpollFlags flags, int key) => Control(AddOperation, descriptor, flags, key);

    public void Modify(int descriptor, EpollFlags flags, int key) => Control(ModifyOperation, descriptor, flags, key);

    public void Remove(int descriptor) => Control(RemoveOperation, descriptor, EpollFlags.None, 0);

    /// <summary>How many events there are; 0 after the time or a signal.</summary>
    /// <param name="timeoutMs">Negative for ever.</param>
    public int Wait(Span<EpollEvent> events, int timeoutMs)
    {
        // SAFETY: the span is pinned during the call and its length is given.
        fixed (EpollEvent* first = events)
        {
            int count = LibC.epoll_wait(_descriptor, first, events.Length, timeoutMs);
            if (count < 0 && Marshal.GetLastPInvokeError() != LibC.EINTR)
                throw new SystemFailure("epoll_wait");
            return Math.Max(count, 0);
        }
    }

    public void Dispose() => LibC.close(_descriptor);

    private void Control(int operation, int descriptor, EpollFlags flags, int key)
    {
        // SAFETY: the structure lives on the stack during the call.
        EpollEvent change = new() { Flags = flags, Key = key };
        SystemFailure.Check(LibC.epoll_ctl(_descriptor, operation, descriptor, &change), "epoll_ctl");
    }
}
