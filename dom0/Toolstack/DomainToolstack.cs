// SPDX-License-Identifier: MIT
// The library's front: what can be done with domains. Used by xl and by programs of others.

using System;
using System.Threading;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Configuration;
using XenSharp.Control;
using XenSharp.Toolstack.Dump;
using XenSharp.Toolstack.Kernel;
using XenSharp.Toolstack.Store;
using XenSharp.XenstoreClient;

namespace XenSharp.Toolstack;

/// <summary>
/// Creates and ends domains of one host. Every operation takes named steps, which <see cref="Steps"/> records; a failure is a <see cref="ToolstackException"/> that says what
/// failed in which step, and a creation that fails leaves nothing behind.
/// </summary>
/// <example>
/// <code>
/// using Hypervisor hypervisor = Hypervisor.Open();
/// await using XenstoreConnection store = await XenstoreConnection.ConnectAsync();
/// DomainToolstack toolstack = new(hypervisor, store);
/// Steps steps = new() { After = step => Console.WriteLine($"{step.Name}: {step.Duration.TotalMilliseconds:0} ms") };
/// (ushort domain, _) = await toolstack.CreateAsync(configuration, steps);
/// hypervisor.UnpauseDomain(domain);
/// </code>
/// </example>
/// <param name="hypervisor">Stays the caller's.</param>
/// <param name="store">Stays the caller's.</param>
public sealed class DomainToolstack(Hypervisor hypervisor, XenstoreConnection store)
{
    /// <summary>Keeps unpacked kernels; null for none.</summary>
    public KernelCache? KernelCache { get; init; } = new(KernelCache.DefaultFolder);

    /// <summary>Called with a new domain's id when its console can be joined: when its bootloader has a terminal, if it has one, and when it is created.</summary>
    public Action<ushort>? ConsoleReady { get; init; }

    /// <summary>Creates a domain, which is left paused.</summary>
    /// <returns>The domain's id, and the configuration with everything that was left open filled in.</returns>
    public Task<(ushort Domain, DomainConfiguration Configuration)> CreateAsync(DomainConfiguration configuration, Steps? steps = null) =>
        new DomainCreation(hypervisor, store, steps ?? new Steps(), KernelCache) { ConsoleReady = ConsoleReady }.RunAsync(configuration);

    /// <summary>What a domain will take of the host's memory.</summary>
    /// <exception cref="ToolstackException">The configuration asks for what is not supported.</exception>
    public ulong NeededKilobytes(DomainConfiguration configuration) => DomainCreation.NeededKilobytes(ConfigurationDefaults.Apply(configuration, hypervisor).BuildInfo);

    /// <summary>Ends a domain at once, with its devices and all that is kept about it. What is half gone is taken away as far as it is there.</summary>
    public Task DestroyAsync(ushort domain, Steps? steps = null) => new DomainDestruction(hypervisor, store, steps ?? new Steps()).RunAsync(domain);

    /// <summary>Writes a domain's memory and the state of its vCPUs to a file in Xen's format. The domain is not paused for it.</summary>
    /// <exception cref="ToolstackException">There is no such domain, or the file cannot be written.</exception>
    public void DumpCore(ushort domain, string path) => new CoreDump(hypervisor, domain).Write(path);

    /// <summary>Asks a guest's kernel for something by control/shutdown: poweroff, reboot, suspend, halt.</summary>
    /// <exception cref="ToolstackException">Its kernel does not listen, or does not acknowledge within the time.</exception>
    public async Task AskAsync(ushort domain, string request, TimeSpan time)
    {
        string path = $"{StorePaths.Domain(domain)}/control";
        XenstoreView view = store.Store;
        if (!await view.ExistsAsync(StorePaths.Domain(domain)).ConfigureAwait(false))
            throw new ToolstackException($"there is no domain {domain}");
        // A PVH guest has nothing but its kernel's drivers to listen with; those announce it since Linux 4.12.
        await view.WriteAsync($"{path}/shutdown", request).ConfigureAwait(false);
        using CancellationTokenSource end = new(time);
        try
        {
            await foreach (XenstoreEvent _ in store.WatchAsync($"{path}/shutdown", cancellation: end.Token).ConfigureAwait(false))
            {
                if (await view.ReadAsync($"{path}/shutdown").ConfigureAwait(false) is null or "")
                    return;
            }
        }
        catch (OperationCanceledException)
        {
            // Told below. The request is taken back, unless the guest takes it right now.
            await store.TransactAsync(async inside =>
            {
                if (await inside.ReadAsync($"{path}/shutdown").ConfigureAwait(false) == request)
                    await inside.WriteAsync($"{path}/shutdown", "").ConfigureAwait(false);
            }).ConfigureAwait(false);
        }
        throw new ToolstackException($"the guest's kernel has not acknowledged \"{request}\" within {time.TotalSeconds:0} seconds");
    }

    /// <summary>Waits until a domain has shut down, or is gone.</summary>
    /// <returns>The reason; null if it is gone.</returns>
    public async Task<ShutdownReason?> WaitForShutdownAsync(ushort domain, CancellationToken cancellation = default)
    {
        await foreach (XenstoreEvent _ in store.WatchAsync("@releaseDomain", cancellation: cancellation).ConfigureAwait(false))
        {
            if (!hypervisor.TryGetDomain(domain, out DomctlGetDomainInfo info) || (info.Flags & DomainInfoFlags.Dying) != 0)
                return null;
            if ((info.Flags & DomainInfoFlags.Shutdown) != 0)
                return (ShutdownReason)((uint)info.Flags >> (int)DomctlLimits.ShutdownShift & (uint)DomainInfoFlags.ShutdownMask);
        }
        return null;
    }
}
