// SPDX-License-Identifier: MIT
// From xl.conf(5) to the settings of a host. Behaviour: parse_global_config of tools/xl/xl.c.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using XenSharp.Configuration.Reading;

namespace XenSharp.Configuration;

public sealed partial record GlobalConfiguration
{
    /// <summary>Every item of xl.conf(5), and the two that 4.17 still takes under older names.</summary>
    public static IReadOnlyList<ConfigurationItem> Items { get; } =
    [
        new("autoballoon", ItemForm.Text, ItemGuests.All, ItemStatus.Supported),
        new("run_hotplug_scripts", ItemForm.Flag, ItemGuests.All, ItemStatus.Supported),
        new("lockfile", ItemForm.Text, ItemGuests.All, ItemStatus.Supported),
        new("domid_policy", ItemForm.Text, ItemGuests.All, ItemStatus.Supported),
        new("max_grant_frames", ItemForm.Number, ItemGuests.All, ItemStatus.Supported),
        new("max_maptrack_frames", ItemForm.Number, ItemGuests.All, ItemStatus.Supported),
        new("max_grant_version", ItemForm.Number, ItemGuests.All, ItemStatus.Supported),
        new("vifscript", ItemForm.Text, ItemGuests.All, ItemStatus.Deprecated, "vif.default.script"),
        new("defaultbridge", ItemForm.Text, ItemGuests.All, ItemStatus.Deprecated, "vif.default.bridge"),
        new("vif.default.script", ItemForm.Text, ItemGuests.All, ItemStatus.Supported),
        new("vif.default.bridge", ItemForm.Text, ItemGuests.All, ItemStatus.Supported),
        new("vif.default.backend", ItemForm.Text, ItemGuests.All, ItemStatus.Supported),
        new("vif.default.gatewaydev", ItemForm.Text, ItemGuests.All, ItemStatus.Supported),
        new("remus.default.netbufscript", ItemForm.Text, ItemGuests.All, ItemStatus.NotYet),
        new("colo.default.proxyscript", ItemForm.Text, ItemGuests.All, ItemStatus.NotYet),
        new("output_format", ItemForm.Text, ItemGuests.All, ItemStatus.Supported),
        new("blkdev_start", ItemForm.Text, ItemGuests.All, ItemStatus.Supported),
        new("claim_mode", ItemForm.Flag, ItemGuests.All, ItemStatus.Supported),
        new("vm.cpumask", ItemForm.Text, ItemGuests.All, ItemStatus.Supported),
        new("vm.hvm.cpumask", ItemForm.Text, ItemGuests.All, ItemStatus.Supported),
        new("vm.pv.cpumask", ItemForm.Text, ItemGuests.All, ItemStatus.Supported),
    ];

    /// <summary>Reads xl.conf. Null when it has errors. A file that does not exist gives the defaults and a warning, as in xl.</summary>
    /// <param name="path">The file, in Debian <c>/etc/xen/xl.conf</c>.</param>
    /// <param name="host">The host, which masks of CPUs are about; null for an unknown one.</param>
    /// <param name="diagnostics">All that is to be said about it.</param>
    public static GlobalConfiguration? Load(string path, HostTopology? host, out IReadOnlyList<Diagnostic> diagnostics)
    {
        try
        {
            return Parse(File.ReadAllBytes(path), path, host, out diagnostics);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            diagnostics = [new Diagnostic(Severity.Warning, new SourcePosition(path, 0, 0), $"cannot be read, defaults are used: {failure.Message}")];
            return Default;
        }
    }

    /// <summary>As <see cref="Load"/>, of a file's content.</summary>
    public static GlobalConfiguration? Parse(ReadOnlySpan<byte> content, string name, HostTopology? host, out IReadOnlyList<Diagnostic> diagnostics)
    {
        ConfigurationFile file = ConfigurationFile.Parse(content, name);
        var items = new ItemReader(file);
        items.RemarkOnItems(file, Items, "xl.conf(5)");
        GlobalConfiguration read = Read(items, host ?? HostTopology.Unknown);
        diagnostics = file.Diagnostics.Sorted;
        return file.Diagnostics.HasErrors ? null : read;
    }

    private static GlobalConfiguration Read(ItemReader items, HostTopology host) => new()
    {
        Autoballoon = Choose(items, "autoballoon", ("on", Autoballoon.On), ("1", Autoballoon.On), ("off", Autoballoon.Off), ("0", Autoballoon.Off), ("auto", Autoballoon.Auto)),
        RunHotplugScripts = items.Flag("run_hotplug_scripts") ?? true,
        Lockfile = items.Text("lockfile") ?? Default.Lockfile,
        DomidPolicy = Choose(items, "domid_policy", ("xen", DomidPolicy.Xen), ("random", DomidPolicy.Random)),
        OutputFormat = Choose(items, "output_format", ("json", OutputFormat.Json), ("sxp", OutputFormat.Sxp)),
        BlkdevStart = items.Text("blkdev_start"),
        ClaimMode = items.Flag("claim_mode") ?? true,
        MaxGrantFrames = items.Limit("max_grant_frames"),
        MaxMaptrackFrames = items.Limit("max_maptrack_frames"),
        MaxGrantVersion = (int?)items.Limit("max_grant_version"),
        VifDefaultScript = items.Text("vif.default.script") ?? items.Text("vifscript"),
        VifDefaultBridge = items.Text("vif.default.bridge") ?? items.Text("defaultbridge"),
        VifDefaultGatewaydev = items.Text("vif.default.gatewaydev"),
        VifDefaultBackend = items.Text("vif.default.backend"),
        RemusDefaultNetbufscript = items.Text("remus.default.netbufscript"),
        ColoDefaultProxyscript = items.Text("colo.default.proxyscript"),
        VmCpumask = items.CpuSet("vm.cpumask", host),
        VmHvmCpumask = items.CpuSet("vm.hvm.cpumask", host),
        VmPvCpumask = items.CpuSet("vm.pv.cpumask", host),
    };

    private static T Choose<T>(ItemReader items, string name, params ReadOnlySpan<(string Word, T Value)> known) where T : struct
    {
        if (items.Text(name) is not { } text) return default;
        foreach ((string word, T value) in known)
        {
            if (word == text) return value;
        }
        items.Warn(name, $"'{name}': '{text}' is none of {string.Join(", ", known.ToArray().Select(pair => pair.Word))}; it is ignored");
        return default;
    }

    /// <summary>Whether dom0 gives up memory for new domains: with <c>auto</c>, unless the hypervisor's command line limits dom0's memory.</summary>
    /// <param name="getHypervisorCommandLine">Called only where the answer depends on it.</param>
    public bool Balloons(Func<string> getHypervisorCommandLine) => Autoballoon == Autoballoon.On || (Autoballoon == Autoballoon.Auto && !Dom0MemPattern().IsMatch(getHypervisorCommandLine()));

    [GeneratedRegex(@"(^| )dom0_mem=((|min:|max:)(-?[0-9]+[bBkKmMgGtT]?|(-?[0-9]+[bBkKmMgGtT]?\+)?[0-9]{1,2}%),?)+($| )", RegexOptions.CultureInvariant)]
    private static partial Regex Dom0MemPattern();
}
