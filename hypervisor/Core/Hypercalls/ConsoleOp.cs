// SPDX-License-Identifier: MIT
// HYPERVISOR_console_io (xen/include/public/xen.h, CONSOLEIO_*): dom0's console while it has no better one.

using System;
using XenSharp.Abi;
using XenSharp.Core.Console;
using XenSharp.Core.Memory;
using XenSharp.Core.Vcpus;
using static XenSharp.Core.Hypercalls.HypercallError;

namespace XenSharp.Core.Hypercalls;

/// <summary>For the control domain, and to write for domains created as a console.</summary>
public static class ConsoleOp
{
    private const int ChunkSize = 128;

    /// <summary>Budget units of a chunk: each byte waits for the serial line.</summary>
    private const int ChunkCost = 70;

    public static long Call(Vcpu caller, in HypercallArguments arguments)
    {
        var operation = (ConsoleIoOperation)(uint)arguments.First;
        uint count = (uint)arguments.Second;
        ulong buffer = arguments.Third;
        if (!caller.Domain.IsPrivileged && !caller.Domain.MayWriteConsole)
            return EPERM;
        switch (operation)
        {
            case ConsoleIoOperation.Write:
                return Write(caller, buffer, count);
            case ConsoleIoOperation.Read:
                return Read(caller, buffer, count);
            default:
                return ENOSYS;
        }
    }

    private static long Write(Vcpu caller, ulong buffer, uint count)
    {
        Span<byte> chunk = stackalloc byte[ChunkSize];
        for (bool first = true; count != 0; first = false)
        {
            if (!first && !caller.Continuation.Spend(ChunkCost))
            {
                caller.Continuation.Request((ulong)ConsoleIoOperation.Write, count, buffer);
                return 0;
            }

            Span<byte> text = chunk.Slice(0, (int)Math.Min(count, ChunkSize));
            if (!GuestAccess.Read(caller, buffer, text))
                return EFAULT;
            if (caller.Domain.IsHardware)
                caller.Host.Console.WriteRaw(text, caller.Processor);
            else
                caller.Domain.ConsoleLine.Append(text, caller.Processor);
            buffer += (ulong)text.Length;
            count -= (uint)text.Length;
        }

        return 0;
    }

    private static long Read(Vcpu caller, ulong buffer, uint count)
    {
        if (count > int.MaxValue)
            return E2BIG;
        if (!caller.Domain.IsHardware)
            return 0;
        Span<byte> bytes = stackalloc byte[ConsoleInput.Capacity];
        int read = caller.Host.Input.Read(bytes.Slice(0, (int)Math.Min(count, ConsoleInput.Capacity)), caller.Processor);
        return read == 0 || GuestAccess.Write(caller, buffer, bytes.Slice(0, read)) ? read : EFAULT;
    }
}
