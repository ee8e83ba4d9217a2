// SPDX-License-Identifier: MIT
// Where a simulated CPU may be interrupted by another one: every atomic operation, every access to shared memory, every spin.

using System;

namespace XenSharp.Edge;

/// <summary>Told by the running CPU that it has reached such a point; may let others run before it returns.</summary>
public abstract class CpuSwitcher
{
    public abstract void Reached(bool spinning);
}

/// <summary>The switcher of the calling thread; none outside a simulation.</summary>
public static class SwitchPoint
{
    [ThreadStatic]
    private static CpuSwitcher? current;

    public static CpuSwitcher? Current
    {
        get => current;
        set => current = value;
    }

    public static void Reached() => current?.Reached(spinning: false);

    public static void Spinning() => current?.Reached(spinning: true);
}
