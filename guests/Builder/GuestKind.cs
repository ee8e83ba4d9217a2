// SPDX-License-Identifier: MIT
// What the guests of this kernel are told to do.

namespace XenSharp.Guests.Builder;

/// <summary>What the guest does (the first word of its command line, see guests/Basics).</summary>
internal enum GuestKind
{
    Hello = 0,
    Spin = 1,
    Flood = 2,
    Exhaust = 3,

    /// <summary>Sets off a fault planted in the hypervisor (`plant=`).</summary>
    Fault = 4,

    /// <summary>Has memory on demand, and uses more pages than it can have at once, most of them for a moment.</summary>
    Demand = 5,

    /// <summary>Meets two breakpoints (<see cref="DebuggedGuest"/>).</summary>
    Break = 6,
}
