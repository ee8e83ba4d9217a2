// SPDX-License-Identifier: MIT
// The locks that a CPU holds, so that an entry abandoned after a fault can be undone.

namespace XenSharp.Edge;

/// <summary>What a lock protects, which decides what a fault under it means.</summary>
public enum LockScope : byte
{
    /// <summary>State of one domain: released, and the domain is crashed.</summary>
    Domain = 0,

    /// <summary>State between two domains: released, and both are crashed.</summary>
    Pair = 1,

    /// <summary>State of the host (scheduler, allocator, timers): the host panics.</summary>
    Host = 2,
}

/// <summary>A CPU's stack of held locks.</summary>
public sealed class HeldLocks
{
    private const int Depth = 16;
    private readonly SpinLock?[] _locks = new SpinLock?[Depth];
    private int _count;

    public int Count => _count;

    /// <summary>Whether no lock is held but, at most, this one.</summary>
    public bool HoldsNoneBut(SpinLock one) => _count == 0 || (_count == 1 && _locks[0] == one);

    public bool HoldsHostState
    {
        get
        {
            for (int i = 0; i < _count; i++)
            {
                if (_locks[i]!.Scope == LockScope.Host)
                    return true;
            }

            return false;
        }
    }

    public void Push(SpinLock held)
    {
        _locks[_count] = held;
        _count++;
    }

    public void Pop(SpinLock released)
    {
        // What stays in the place above is not looked at.
        int last = _count - 1;
        if (last >= 0 && _locks[last] == released)
            _count = last;
        else
            RemoveOutOfOrder(released);
    }

    /// <summary>Releases everything: the entry that took the locks has been abandoned.</summary>
    public void ReleaseAll()
    {
        while (_count > 0)
            _locks[_count - 1]!.Exit(this);
    }

    private void RemoveOutOfOrder(SpinLock released)
    {
        for (int i = 0; i < _count; i++)
        {
            if (_locks[i] != released)
                continue;
            for (int j = i + 1; j < _count; j++)
                _locks[j - 1] = _locks[j];
            _locks[--_count] = null;
            return;
        }
    }
}
