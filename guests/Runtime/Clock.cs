// SPDX-License-Identifier: MIT
// System time from vcpu_time_info (`xen/include/public/xen.h`) of the shared info page, by the calling vCPU.

using System;

namespace XenSharp.Guests;

public static class Clock
{
    /// <summary>Nanoseconds since the hypervisor started, by this vCPU's record.</summary>
    public static ulong Now()
    {
        Page page = Events.SharedInfo;
        int record = (Smp.Current * 64) + 32;
        while (true)
        {
            uint version = page.Get32(record);
            System.Threading.Interlocked.MemoryBarrier();
            ulong stamp = page.Get64(record + 8), time = page.Get64(record + 16);
            uint multiplier = page.Get32(record + 24);
            sbyte shift = (sbyte)page.Get8(record + 28);
            ulong delta = Machine.Rdtsc() - stamp;
            System.Threading.Interlocked.MemoryBarrier();
            if ((version & 1) != 0 || version != page.Get32(record))
                continue;
            delta = shift >= 0 ? delta << shift : delta >> -shift;
            ulong high = Math.BigMul(delta, multiplier, out ulong low);
            return time + (high << 32 | low >> 32);
        }
    }
}
