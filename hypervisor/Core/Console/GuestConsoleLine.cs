// SPDX-License-Identifier: MIT
// Text that a domain other than dom0 writes to the hypervisor's console (console_io, debug port 0xe9): whole lines, marked and limited.

using System;
using XenSharp.Edge;

namespace XenSharp.Core.Console;

/// <summary>The line that a domain is writing (pbuf of Xen); guarded by its own lock.</summary>
public sealed class GuestConsoleLine(Host host, ushort domain)
{
    private const int Capacity = 200;
    private readonly byte[] _text = new byte[Capacity];
    private readonly SpinLock _lock = new(LockScope.Domain);
    private int _length;

    /// <summary>Adds text; what is not printable is dropped; each newline, and a full buffer, prints the line as `(d1) text`.</summary>
    public void Append(ReadOnlySpan<byte> text, Processor caller)
    {
        using SpinLock.Guard guard = _lock.Enter(caller);
        foreach (byte character in text)
        {
            if (character == (byte)'\n')
                Flush(caller);
            else if (character is >= 0x20 and < 0x7f or (byte)'\t')
                Add(character, caller);
        }
    }

    private void Add(byte character, Processor caller)
    {
        if (_length == Capacity)
            Flush(caller);
        _text[_length++] = character;
    }

    private void Flush(Processor caller)
    {
        host.Console.BeginGuestText(domain, caller).Text(_text.AsSpan(0, _length)).End();
        _length = 0;
    }
}
