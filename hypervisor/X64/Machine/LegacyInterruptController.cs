// SPDX-License-Identifier: MIT
// The pair of 8259A interrupt controllers, which firmware leaves running with exception vectors. Called once at boot.

using XenSharp.X64.Runtime;

namespace XenSharp.X64.Machine;

/// <summary>
/// Masking the local APIC's LINT0 is not enough: on some machines the pair's line reaches the CPU beside it, and the firmware's
/// timer interrupt has the vector of a double fault. A masked pair can still raise a spurious interrupt, so it gets vectors of its own.
/// </summary>
internal static class LegacyInterruptController
{
    public const int FirstVector = 0x20, Lines = 16;

    private const ushort MasterCommand = 0x20, MasterData = 0x21, SlaveCommand = 0xa0, SlaveData = 0xa1;

    /// <summary>Initialises both (Intel 8259A, "Initialization command words") and masks all lines.</summary>
    public static void Silence()
    {
        Assembly.Out8(MasterData, 0xff);
        Assembly.Out8(SlaveData, 0xff);
        Assembly.Out8(MasterCommand, 0x11);
        Assembly.Out8(MasterData, FirstVector);
        Assembly.Out8(MasterData, 1 << 2);
        Assembly.Out8(MasterData, 1);
        Assembly.Out8(SlaveCommand, 0x11);
        Assembly.Out8(SlaveData, FirstVector + 8);
        Assembly.Out8(SlaveData, 2);
        Assembly.Out8(SlaveData, 1);
        Assembly.Out8(MasterData, 0xff);
        Assembly.Out8(SlaveData, 0xff);
    }
}
