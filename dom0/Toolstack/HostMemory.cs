// SPDX-License-Identifier: MIT
// The host's free memory, and more of it by making the control domain smaller, as xl 4.17 does before it creates a domain (freemem of tools/xl/xl_vmcontrol.c). Used by xl create.

using System;
using System.Globalization;
using System.Threading;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Control;
using XenSharp.XenstoreClient;

namespace XenSharp.Toolstack;

/// <param name="hypervisor">Stays the caller's.</param>
/// <param name="store">Stays the caller's.</param>
public sealed class HostMemory(Hypervisor hypervisor, XenstoreConnection store)
{
    private const string Folder = "/local/domain/0/memory";
    private const ulong LeastOfControlDomainKb = 128 * 1024;      // LIBXL_MIN_DOM0_MEM
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(100), s_patience = TimeSpan.FromSeconds(10);

    /// <summary>What nobody has or has claimed.</summary>
    public static ulong FreeKilobytes(Hypervisor hypervisor)
    {
        SysctlPhysInfo host = hypervisor.GetPhysicalInfo();
        ulong pages = host.FreePages + host.ScrubPages;
        return (pages - Math.Min(host.OutstandingPages, pages)) * 4;
    }

    /// <summary>
    /// Sees to it that so much is free, by a lower target for the control domain's balloon if need be. False if the control domain would become too small, has no target, or gives nothing more
    /// for ten seconds; its target is then what it was.
    /// </summary>
    public async Task<bool> TryMakeRoomAsync(ulong kilobytes, CancellationToken cancellation = default)
    {
        ulong free = FreeKilobytes(hypervisor);
        if (free >= kilobytes)
            return true;
        if (await ReadAsync("target").ConfigureAwait(false) is not { } before || before < kilobytes - free || before - (kilobytes - free) < LeastOfControlDomainKb)
            return false;
        await SetTargetAsync(before - (kilobytes - free)).ConfigureAwait(false);
        DateTime end = DateTime.UtcNow + s_patience;
        while (DateTime.UtcNow < end)
        {
            ulong now = FreeKilobytes(hypervisor);
            if (now >= kilobytes)
                return true;
            if (now > free)
                (free, end) = (now, DateTime.UtcNow + s_patience);
            await Task.Delay(s_look, cancellation).ConfigureAwait(false);
        }
        await SetTargetAsync(before).ConfigureAwait(false);
        return false;
    }

    private Task SetTargetAsync(ulong kilobytes) =>
        store.Store.WriteAsync($"{Folder}/target", kilobytes.ToString(CultureInfo.InvariantCulture));

    /// <summary>Where nobody has noted the control domain's sizes yet, those that it has are.</summary>
    private async Task<ulong?> ReadAsync(string name)
    {
        if (await store.Store.ReadAsync($"{Folder}/{name}").ConfigureAwait(false) is { } text)
            return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value) ? value : null;
        if (!hypervisor.TryGetDomain(0, out DomctlGetDomainInfo info))
            return null;
        await store.Store.WriteAsync($"{Folder}/static-max", (info.MaxPages * 4).ToString(CultureInfo.InvariantCulture)).ConfigureAwait(false);
        await SetTargetAsync(info.TotalPages * 4).ConfigureAwait(false);
        return info.TotalPages * 4;
    }
}
