// SPDX-License-Identifier: MIT
// What the daemon needs from the hypervisor. XenConsoleHost is the real one; tests have one of their own.

using System;
using System.Collections.Generic;
using XenSharp.Interop;

namespace XenSharp.Consoled;

internal readonly record struct DomainEntry(int Id, bool IsDying);

/// <summary>A console's place: number 0 is the first one of each domain (its `console` node), the others are `device/console/N`.</summary>
internal readonly record struct ConsoleId(int Domain, int Number)
{
    public override string ToString() => Number == 0 ? $"domain {Domain}" : $"domain {Domain}, console {Number}";
}

/// <param name="RingReference">The frame of the first console's ring; a grant reference for the others.</param>
/// <param name="Limit">Most bytes kept for readers; 0 for none given.</param>
/// <param name="Name">The guest's name, for its log; null for no log.</param>
internal sealed record ConsoleSettings(ulong RingReference, uint Port, int Limit, string? Name);

/// <summary>Called on the loop's thread, but for <see cref="ListDomains"/>. Failures are IOException or HypercallException.</summary>
internal abstract class ConsoleHost : IDisposable
{
    /// <summary>Readable when an event waits.</summary>
    public abstract int EventDescriptor { get; }

    /// <summary>Takes an event that waits; its port stays masked until <see cref="Unmask"/>.</summary>
    public abstract bool TryTakeEvent(out uint port);

    public abstract void Unmask(uint port);

    public abstract void Notify(uint port);

    public abstract uint Bind(int domain, uint remotePort);

    public abstract void Unbind(uint port);

    /// <summary>Whether a port that was bound still has its other end.</summary>
    public abstract bool IsConnected(uint port);

    public abstract SharedPages MapRing(ConsoleId console, ulong reference);

    /// <summary>All domains but this one.</summary>
    public abstract IReadOnlyList<DomainEntry> ListDomains();

    /// <summary>The port that signals new text in the hypervisor's own log.</summary>
    public abstract uint BindHypervisorLog();

    /// <summary>Reads what is new since the index, and moves it.</summary>
    public abstract int ReadHypervisorLog(Span<byte> target, ref uint index);

    public abstract void Dispose();
}
