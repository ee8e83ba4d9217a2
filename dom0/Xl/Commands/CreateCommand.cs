// SPDX-License-Identifier: MIT
// create: a domain from its configuration file. Row of CommandTable.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Configuration;
using XenSharp.Control;
using XenSharp.Toolstack;
using XenSharp.Xl.Frame;
using static XenSharp.Xl.Frame.Option;

namespace XenSharp.Xl.Commands;

internal static class CreateCommand
{
    // Xen's exit code when the file cannot be read, and when the domain cannot be made: libxl's ERROR_FAIL.
    private const int Failed = 3;

    public static Command Row { get; } = new("create", "Create a domain from a configuration file", "<ConfigFile> [options] [vars]", RunAsync)
    {
        CanDryRun = true,
        Modifies = true,
        Options =
        [
            Flag('c', "Connect this terminal to the new domain's console."),
            Flag('d', "Print debug messages."),
            Flag('e', "Do not wait in the background for the domain's end."),
            Flag('F', "Stay in the foreground until the domain ends."),
            Value('f', "defconfig", "FILE", "Use this configuration file."),
            Flag('n', "dryrun", "Show the configuration and do nothing; as the global option -N."),
            Flag('p', "Leave the domain paused."),
            Flag('q', "quiet", "Say nothing that is not an error."),
            Flag('V', "vncviewer", "Connect to the VNC display once the domain runs."),
            Flag('A', "vncviewer-autopass", "Give the VNC password to the viewer on its input."),
            Flag("ignore-global-affinity-masks", "Do not apply the CPU masks of xl.conf."),
        ],
        Notes = "With the global option -v, the steps of the creation are told with their times.",
    };

    private static async Task<int> RunAsync(Invocation call)
    {
        DomainConfiguration configuration = Read(call);
        bool isDryRun = call.Global.IsDryRun || call.Has("dryrun");
        if (isDryRun || call.Has("d"))
            await (isDryRun ? call.Output : call.Error).WriteAsync(configuration.ToJson()).ConfigureAwait(false);
        if (isDryRun)
            return 0;
        if (call.Has("vncviewer"))
            throw new XlException("a PVH guest has no VNC display");
        Hypervisor hypervisor = call.Host.Hypervisor;
        using ConsoleProgram console = new();
        DomainToolstack toolstack = new(hypervisor, await call.Host.ConnectionAsync().ConfigureAwait(false)) { ConsoleReady = call.Has("c") ? console.Start : null };
        Steps steps = new() { After = call.Global.Verbosity > 0 ? step => call.Error.WriteLine($"{step.Name}: {step.Duration.TotalMilliseconds:0.0} ms") : null };
        ushort domain;
        try
        {
            if (call.Host.Settings.Balloons(hypervisor.GetCommandLine))
                await MakeRoomAsync(call, toolstack, configuration).ConfigureAwait(false);
            (domain, configuration) = await toolstack.CreateAsync(configuration, steps).ConfigureAwait(false);
        }
        catch (ToolstackException failure)
        {
            await console.WaitAsync().ConfigureAwait(false);
            throw new XlException($"domain \"{configuration.CreateInfo.Name}\" was not created: {failure.Message}", Failed);
        }
        return await RunDomainAsync(call, domain, configuration, console).ConfigureAwait(false);
    }

    /// <summary>Makes dom0 smaller if there is too little free memory; how much the guest lacks then, its creation says.</summary>
    private static async Task MakeRoomAsync(Invocation call, DomainToolstack toolstack, DomainConfiguration configuration)
    {
        HostMemory memory = new(call.Host.Hypervisor, await call.Host.ConnectionAsync().ConfigureAwait(false));
        if (!await memory.TryMakeRoomAsync(toolstack.NeededKilobytes(configuration)).ConfigureAwait(false))
            call.Error.WriteLine("dom0 cannot be made small enough for this guest");
    }

    private static async Task<int> RunDomainAsync(Invocation call, ushort domain, DomainConfiguration configuration, ConsoleProgram console)
    {
        if (!call.Has("p"))
            call.Host.Hypervisor.UnpauseDomain(domain);
        if (call.Has("F"))
        {
            await MonitorProgram.WatchAsync(call.Host, domain, configuration, call.Error.WriteLine).ConfigureAwait(false);
            return 0;
        }
        if (!call.Has("e"))
            await MonitorProgram.BeginAsync(domain).ConfigureAwait(false);
        return await console.WaitAsync().ConfigureAwait(false);
    }

    private static DomainConfiguration Read(Invocation call)
    {
        List<string> words = [.. call.Words];
        string? file = call.Options.Value("defconfig");
        if (words.Count > 0 && !words[0].Contains('='))
        {
            file = words[0];
            words.RemoveAt(0);
        }
        if (words.Find(word => !word.Contains('=')) is { } stray)
            throw new UsageException($"\"{stray}\" is no setting of the form name=value\n", 1);
        if (file is null)
            throw new UsageException("Config file not specified\n", 1);
        if (!call.Has("quiet"))
            call.Error.WriteLine($"Parsing config from {file}");
        HostTopology? host = Topology(call);
        ConfigurationContext context = new() { Host = host ?? HostTopology.Unknown, Global = call.Host.Settings, IgnoreGlobalAffinityMasks = call.Has("ignore-global-affinity-masks") };
        DomainConfiguration? configuration = DomainConfiguration.Parse(Sources.ReadFile(file, Failed), file, words, context, out IReadOnlyList<Diagnostic> remarks);
        Tell(call, remarks);
        return configuration is null ? throw new XlException($"{file} has errors; nothing was done")
            : DomainConfiguration.CanBeBuilt(remarks) || call.Global.IsDryRun || call.Has("dryrun") ? configuration
            : throw new XlException($"{file} asks for what is not supported yet; nothing was done");
    }

    /// <summary>The host that sets of CPUs are about; null where there is no hypervisor, as in a dry run elsewhere.</summary>
    private static HostTopology? Topology(Invocation call)
    {
        try
        {
            Hypervisor hypervisor = call.Host.Hypervisor;
            IReadOnlyList<SysctlCpuTopology> cpus = hypervisor.GetCpuTopology();
            int nodes = cpus.Where(cpu => cpu.Node != uint.MaxValue).Select(cpu => (int)cpu.Node + 1).DefaultIfEmpty(1).Max();
            return new HostTopology(hypervisor.CpuIds, [.. Enumerable.Range(0, nodes).Select(node => new Bitmap(Enumerable.Range(0, cpus.Count).Where(cpu => cpus[cpu].Node == node)))]);
        }
        catch (IOException) when (call.Global.IsDryRun || call.Has("dryrun"))
        {
            return null;
        }
    }

    private static void Tell(Invocation call, IReadOnlyList<Diagnostic> remarks)
    {
        foreach (Diagnostic remark in remarks)
        {
            if (remark.Severity != Severity.Warning || !call.Has("quiet"))
                call.Error.WriteLine(remark);
        }
    }
}
