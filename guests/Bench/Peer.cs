// SPDX-License-Identifier: MIT
// The other domain of the measurements (the word `peer`): grants its builder two pages, then answers each of the builder's events by one.

namespace XenSharp.Guests.Bench;

internal static class Peer
{
    /// <summary>What the page to copy from begins with.</summary>
    public const ulong Word = 0x5045_4552_5045_4552;

    // The builder made our first port before we ran.
    private const uint Port = 1;

    private static Page Argument => new(0);

    public static void Run()
    {
        if (Events.MapSharedInfo() < 0 || Events.UseCallbackVector() < 0)
            Machine.Fail("set-up failed"u8);
        Grants.Source.Put64(0, Word);
        Grants.Offer(0);
        Events.ClearMask(Port);
        Argument.Clear().Put32(0, Port);
        for (int answered = 0; ; answered++)
        {
            Hypercall.Fast(Call.EventChannelOp, 4, Argument.Address, 0);
            while (Events.Count(Port) == answered)
                Machine.Halt();
        }
    }
}
