// SPDX-License-Identifier: MIT
// Interlocked and Volatile as the core sees them in host builds: those of .NET, with a switch point before each operation.
// The core's namespaces lie inside this one, so these names win over System.Threading.

using XenSharp.Edge;
using Real = System.Threading;

namespace XenSharp;

/// <summary>The members that hypervisor/CoreLib has.</summary>
public static class Interlocked
{
    public static int CompareExchange(ref int location, int value, int comparand)
    {
        SwitchPoint.Reached();
        return Real.Interlocked.CompareExchange(ref location, value, comparand);
    }

    public static long CompareExchange(ref long location, long value, long comparand)
    {
        SwitchPoint.Reached();
        return Real.Interlocked.CompareExchange(ref location, value, comparand);
    }

    public static uint CompareExchange(ref uint location, uint value, uint comparand)
    {
        SwitchPoint.Reached();
        return Real.Interlocked.CompareExchange(ref location, value, comparand);
    }

    public static ulong CompareExchange(ref ulong location, ulong value, ulong comparand)
    {
        SwitchPoint.Reached();
        return Real.Interlocked.CompareExchange(ref location, value, comparand);
    }

    public static int Exchange(ref int location, int value)
    {
        SwitchPoint.Reached();
        return Real.Interlocked.Exchange(ref location, value);
    }

    public static long Exchange(ref long location, long value)
    {
        SwitchPoint.Reached();
        return Real.Interlocked.Exchange(ref location, value);
    }

    public static uint Exchange(ref uint location, uint value)
    {
        SwitchPoint.Reached();
        return Real.Interlocked.Exchange(ref location, value);
    }

    public static ulong Exchange(ref ulong location, ulong value)
    {
        SwitchPoint.Reached();
        return Real.Interlocked.Exchange(ref location, value);
    }

    public static int ExchangeAdd(ref int location, int value) => Add(ref location, value) - value;

    public static long ExchangeAdd(ref long location, long value) => Add(ref location, value) - value;

    public static int Add(ref int location, int value)
    {
        SwitchPoint.Reached();
        return Real.Interlocked.Add(ref location, value);
    }

    public static long Add(ref long location, long value)
    {
        SwitchPoint.Reached();
        return Real.Interlocked.Add(ref location, value);
    }

    public static int Increment(ref int location) => Add(ref location, 1);

    public static int Decrement(ref int location) => Add(ref location, -1);

    public static long Increment(ref long location) => Add(ref location, 1);

    public static long Decrement(ref long location) => Add(ref location, -1);

    public static uint Or(ref uint location, uint value)
    {
        SwitchPoint.Reached();
        return Real.Interlocked.Or(ref location, value);
    }

    public static uint And(ref uint location, uint value)
    {
        SwitchPoint.Reached();
        return Real.Interlocked.And(ref location, value);
    }

    public static ulong Or(ref ulong location, ulong value)
    {
        SwitchPoint.Reached();
        return Real.Interlocked.Or(ref location, value);
    }

    public static ulong And(ref ulong location, ulong value)
    {
        SwitchPoint.Reached();
        return Real.Interlocked.And(ref location, value);
    }

    public static void MemoryBarrier()
    {
        SwitchPoint.Reached();
        Real.Interlocked.MemoryBarrier();
    }
}

/// <summary>Volatile accesses are switch points too: what is read may be stale at once.</summary>
public static class Volatile
{
    public static bool Read(ref readonly bool location)
    {
        SwitchPoint.Reached();
        return Real.Volatile.Read(in location);
    }

    public static void Write(ref bool location, bool value)
    {
        SwitchPoint.Reached();
        Real.Volatile.Write(ref location, value);
    }

    public static byte Read(ref readonly byte location)
    {
        SwitchPoint.Reached();
        return Real.Volatile.Read(in location);
    }

    public static void Write(ref byte location, byte value)
    {
        SwitchPoint.Reached();
        Real.Volatile.Write(ref location, value);
    }

    public static ushort Read(ref readonly ushort location)
    {
        SwitchPoint.Reached();
        return Real.Volatile.Read(in location);
    }

    public static void Write(ref ushort location, ushort value)
    {
        SwitchPoint.Reached();
        Real.Volatile.Write(ref location, value);
    }

    public static int Read(ref readonly int location)
    {
        SwitchPoint.Reached();
        return Real.Volatile.Read(in location);
    }

    public static void Write(ref int location, int value)
    {
        SwitchPoint.Reached();
        Real.Volatile.Write(ref location, value);
    }

    public static uint Read(ref readonly uint location)
    {
        SwitchPoint.Reached();
        return Real.Volatile.Read(in location);
    }

    public static void Write(ref uint location, uint value)
    {
        SwitchPoint.Reached();
        Real.Volatile.Write(ref location, value);
    }

    public static long Read(ref readonly long location)
    {
        SwitchPoint.Reached();
        return Real.Volatile.Read(in location);
    }

    public static void Write(ref long location, long value)
    {
        SwitchPoint.Reached();
        Real.Volatile.Write(ref location, value);
    }

    public static ulong Read(ref readonly ulong location)
    {
        SwitchPoint.Reached();
        return Real.Volatile.Read(in location);
    }

    public static void Write(ref ulong location, ulong value)
    {
        SwitchPoint.Reached();
        Real.Volatile.Write(ref location, value);
    }
}
