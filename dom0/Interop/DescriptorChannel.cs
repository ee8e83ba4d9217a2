// SPDX-License-Identifier: MIT
// A channel between two processes of one program that carries numbers and open descriptors. Used by the xenstore daemon and its keeper.

using System;
using System.Runtime.InteropServices;

namespace XenSharp.Interop;

/// <summary>One end of a pair of sockets that keep messages apart. A message is one number, with a descriptor or without.</summary>
public sealed unsafe class DescriptorChannel(int descriptor) : IDisposable
{
    // struct cmsghdr with one int behind it, and its space in a control buffer.
    private const int ControlLength = 20;
    private const int ControlSpace = 24;

    public int Descriptor { get; } = descriptor;

    /// <summary>Both ends; the second one is inherited by programs that are started, the first one is not.</summary>
    public static (DescriptorChannel Here, int There) Pair()
    {
        int* pair = stackalloc int[2];
        SystemFailure.Check(LibC.socketpair(LibC.AF_UNIX, LibC.SOCK_SEQPACKET, 0, pair), "socketpair");
        LibC.fcntl(pair[0], 2 /* F_SETFD */, 1 /* FD_CLOEXEC */);
        return (new DescriptorChannel(pair[0]), pair[1]);
    }

    /// <summary>False if the other end is gone.</summary>
    /// <param name="passed">A descriptor for the other process, which gets its own number for it; negative for none.</param>
    public bool Send(int number, int passed = -1)
    {
        // SAFETY: all structures live on this method's stack; the control buffer has the space that the header says.
        byte* control = stackalloc byte[ControlSpace];
        IoVector vector = new() { Start = (byte*)&number, Length = sizeof(int) };
        MessageHeader message = new() { Vectors = &vector, VectorCount = 1 };
        if (passed >= 0)
        {
            *(nint*)control = ControlLength;
            *(int*)(control + 8) = LibC.SOL_SOCKET;
            *(int*)(control + 12) = LibC.SCM_RIGHTS;
            *(int*)(control + 16) = passed;
            message.Control = control;
            message.ControlLength = ControlSpace;
        }
        nint result;
        do
            result = LibC.sendmsg(Descriptor, &message, LibC.MSG_NOSIGNAL);
        while (result < 0 && Marshal.GetLastPInvokeError() == LibC.EINTR);
        return result == sizeof(int);
    }

    /// <summary>Waits for the next message; false if the other end is gone.</summary>
    /// <param name="isWaiting">Whether to wait if there is none; if not, the state says so.</param>
    public TransferState Receive(out int number, out int passed, bool isWaiting = true)
    {
        // SAFETY: as Send.
        byte* control = stackalloc byte[ControlSpace];
        int value = 0;
        IoVector vector = new() { Start = (byte*)&value, Length = sizeof(int) };
        MessageHeader message = new() { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = ControlSpace };
        number = 0;
        passed = -1;
        nint result;
        do
            result = LibC.recvmsg(Descriptor, &message, (isWaiting ? 0 : LibC.MSG_DONTWAIT) | 0x40000000 /* MSG_CMSG_CLOEXEC */);
        while (result < 0 && Marshal.GetLastPInvokeError() == LibC.EINTR);
        if (result < 0 && Marshal.GetLastPInvokeError() == LibC.EAGAIN)
            return TransferState.Blocked;
        if (result != sizeof(int))
            return TransferState.Closed;
        number = value;
        if (message.ControlLength >= ControlLength && *(int*)(control + 12) == LibC.SCM_RIGHTS)
            passed = *(int*)(control + 16);
        return TransferState.Done;
    }

    public void Dispose() => LibC.close(Descriptor);
}
