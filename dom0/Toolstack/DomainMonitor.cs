// SPDX-License-Identifier: MIT
// Waits for a domain's end and does what its configuration says then: on_poweroff, on_reboot, on_crash, on_watchdog. Used by xl's monitor processes.

using System;
using System.Globalization;
using System.IO;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Configuration;
using XenSharp.Control;
using XenSharp.Toolstack.Store;
using XenSharp.XenstoreClient;

namespace XenSharp.Toolstack;

/// <summary>xenstore's daemon has ended while a domain was waited for; with another connection, and what is told here, one can wait on.</summary>
public sealed class StoreLostException(ushort domain, DomainConfiguration configuration, IOException cause) : IOException(cause.Message, cause)
{
    public ushort Domain => domain;

    public DomainConfiguration Configuration => configuration;
}

/// <param name="log">Gets a line for all that happens, in xl's words.</param>
public sealed class DomainMonitor(Hypervisor hypervisor, XenstoreConnection store, DomainToolstack toolstack, Action<string> log)
{
    private const string DumpFolder = "/var/lib/xen/dump";

    /// <summary>Between the end of a domain and its new start, so that a guest that fails at once does not keep the host busy.</summary>
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    /// <summary>Returns when the domain is gone or is to be left as it is.</summary>
    /// <exception cref="StoreLostException">The daemon ended while nothing else had.</exception>
    public async Task RunAsync(ushort domain, DomainConfiguration configuration)
    {
        while (true)
        {
            log($"Waiting for domain {configuration.CreateInfo.Name} (domid {domain}) to die [pid {Environment.ProcessId}]");
            if (await WaitAsync(domain, configuration).ConfigureAwait(false) is not { } reason)
            {
                log($"Domain {domain} has been destroyed.");
                return;
            }
            log($"Domain {domain} has shut down, reason code {(uint)reason} 0x{(uint)reason:x}");
            if (reason == ShutdownReason.Suspend)
            {
                log("Domain has suspended.");
                return;
            }
            ActionOnShutdown action = ActionFor(reason, configuration);
            log($"Action for shutdown reason code {(uint)reason} is {NameOf(action)}");
            if (action is ActionOnShutdown.CoredumpDestroy or ActionOnShutdown.CoredumpRestart)
            {
                DumpCore(domain, configuration);
                action = action == ActionOnShutdown.CoredumpDestroy ? ActionOnShutdown.Destroy : ActionOnShutdown.Restart;
            }
            if (action == ActionOnShutdown.SoftReset)
            {
                log("soft reset is not supported yet; the domain is destroyed");
                action = ActionOnShutdown.Destroy;
            }
            if (action == ActionOnShutdown.Preserve)
            {
                log("Done. Exiting now");
                return;
            }
            DomainConfiguration next = await ReloadAsync(domain, configuration).ConfigureAwait(false);
            if (action == ActionOnShutdown.RestartRename)
            {
                await PreserveAsync(domain, configuration).ConfigureAwait(false);
            }
            else
            {
                log($"Domain {domain} needs to be cleaned up: destroying the domain");
                await toolstack.DestroyAsync(domain).ConfigureAwait(false);
            }
            if (action == ActionOnShutdown.Destroy)
            {
                log("Done. Exiting now");
                return;
            }
            log("Done. Rebooting now");
            await Task.Delay(s_pause).ConfigureAwait(false);
            (domain, configuration) = await toolstack.CreateAsync(next).ConfigureAwait(false);
            hypervisor.UnpauseDomain(domain);
        }
    }

    private async Task<ShutdownReason?> WaitAsync(ushort domain, DomainConfiguration configuration)
    {
        try
        {
            return await toolstack.WaitForShutdownAsync(domain).ConfigureAwait(false);
        }
        catch (IOException failure)
        {
            throw new StoreLostException(domain, configuration, failure);
        }
    }

    /// <summary>A dump that fails is told and changes nothing else.</summary>
    private void DumpCore(ushort domain, DomainConfiguration configuration)
    {
        string path = Path.Combine(DumpFolder, configuration.CreateInfo.Name ?? "");
        log($"dumping core to {path}");
        try
        {
            Directory.CreateDirectory(DumpFolder);
            toolstack.DumpCore(domain, path);
        }
        catch (Exception failure) when (failure is ToolstackException or IOException or UnauthorizedAccessException)
        {
            log($"core dump failed: {failure.Message}");
        }
    }

    private static ActionOnShutdown ActionFor(ShutdownReason reason, DomainConfiguration configuration) => reason switch
    {
        ShutdownReason.PowerOff => configuration.OnPoweroff,
        ShutdownReason.Reboot => configuration.OnReboot,
        ShutdownReason.Crash => configuration.OnCrash,
        ShutdownReason.Watchdog => configuration.OnWatchdog,
        ShutdownReason.SoftReset => configuration.OnSoftReset,
        _ => ActionOnShutdown.Destroy,
    };

    private static string NameOf(ActionOnShutdown action) => action switch
    {
        ActionOnShutdown.RestartRename => "rename-restart",
        ActionOnShutdown.CoredumpDestroy => "coredump-destroy",
        ActionOnShutdown.CoredumpRestart => "coredump-restart",
        ActionOnShutdown.SoftReset => "soft-reset",
        _ => action.ToString().ToLowerInvariant(),
    };

    /// <summary>What the next domain is made of: an update that the user left, else the record with the memory, vCPUs and devices of now, else what this one was made of.</summary>
    private async Task<DomainConfiguration> ReloadAsync(ushort domain, DomainConfiguration configuration)
    {
        Guid id = configuration.CreateInfo.Uuid;
        if (UserData.Read(domain, id, UserData.Update) is { Length: > 0 } text)
        {
            log("\"xl\" configuration found, using it");
            if (DomainConfiguration.Parse(text.AsSpan().TrimEnd((byte)0), "<updated>", null, null, out _) is { } updated)
                return updated with { CreateInfo = updated.CreateInfo with { Uuid = id, Name = updated.CreateInfo.Name ?? configuration.CreateInfo.Name } };
            log("it has errors; using the configuration of before");
        }
        return UserData.ReadConfiguration(domain, id) is { } record && hypervisor.TryGetDomain(domain, out DomctlGetDomainInfo info)
            ? await CurrentConfiguration.ReadAsync(hypervisor, store.Store, info, record).ConfigureAwait(false) : configuration;
    }

    /// <summary>libxl_domain_preserve: the dead domain stays under another name and UUID.</summary>
    private async Task PreserveAsync(ushort domain, DomainConfiguration configuration)
    {
        string suffix = DateTime.UtcNow.ToString("'-'yyyyMMdd'T'HHmm'Z'", CultureInfo.InvariantCulture);
        string name = configuration.CreateInfo.Name + suffix;
        log($"Preserving domain {domain} {configuration.CreateInfo.Name} with suffix{suffix}");
        Guid former = configuration.CreateInfo.Uuid, id = Guid.NewGuid();
        hypervisor.SetHandle(domain, id);
        await store.TransactAsync(async view =>
        {
            string path = StorePaths.Domain(domain);
            await view.WriteAsync($"{path}/name", name).ConfigureAwait(false);
            await view.WriteAsync($"{path}/vm", StorePaths.Vm(id)).ConfigureAwait(false);
            await view.WriteAsync($"{StorePaths.Vm(id)}/uuid", id.ToString("D")).ConfigureAwait(false);
            await view.WriteAsync($"{StorePaths.Vm(id)}/name", name).ConfigureAwait(false);
            await view.RemoveAsync(StorePaths.Vm(former)).ConfigureAwait(false);
        }).ConfigureAwait(false);
        UserData.Remove(domain, former);
        UserData.WriteConfiguration(domain, configuration with { CreateInfo = configuration.CreateInfo with { Uuid = id, Name = name } });
    }
}
