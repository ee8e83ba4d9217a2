// SPDX-License-Identifier: MIT
// What a hypercall receives, and how one stops before its end.

namespace XenSharp.Core.Hypercalls;

/// <summary>The five argument words of a hypercall (rdi, rsi, rdx, r10, r8 of a 64-bit guest).</summary>
public struct HypercallArguments
{
    public ulong First;
    public ulong Second;
    public ulong Third;
    public ulong Fourth;
    public ulong Fifth;
}

/// <summary>
/// A hypercall that has used up its work budget stores its remaining arguments here and returns; it is then called again with them,
/// after the CPU has looked at its pending work. Inside a multicall the entry's arguments in guest memory are rewritten instead.
/// </summary>
public struct HypercallContinuation
{
    /// <summary>Set by the handler: call again with <see cref="Arguments"/>.</summary>
    public bool IsRequested;

    public HypercallArguments Arguments;

    /// <summary>Work units left to the running hypercall; one unit is about a hundred instructions.</summary>
    public int Budget;

    public const int InitialBudget = 500;

    /// <summary>Charges work; false when the budget is used up and the handler should continue later.</summary>
    public bool Spend(int units)
    {
        Budget -= units;
        return Budget > 0;
    }

    public void Request(ulong first, ulong second = 0, ulong third = 0, ulong fourth = 0, ulong fifth = 0)
    {
        IsRequested = true;
        Arguments.First = first;
        Arguments.Second = second;
        Arguments.Third = third;
        Arguments.Fourth = fourth;
        Arguments.Fifth = fifth;
    }
}
