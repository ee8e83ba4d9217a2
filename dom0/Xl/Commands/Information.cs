// SPDX-License-Identifier: MIT
// info: the machine and its hypervisor. Row of CommandTable.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Control;
using XenSharp.Xl.Frame;
using static XenSharp.Xl.Frame.Option;

namespace XenSharp.Xl.Commands;

internal static class Information
{
    private const int PageSize = 4096, MebibyteShift = 20, NameColumn = 23;
    private const string PciDevices = "/sys/bus/pci/devices";

    public static Command Row { get; } = new("info", "Show what the machine and its hypervisor are", "[options] [Item]", RunAsync)
    {
        PrintsState = true,
        Options = [Flag('n', "numa", "Show the topology of CPUs, memory and devices too.")],
        Notes = "With the beginning of an item's name, only the values of such items are shown.",
    };

    private static Task<int> RunAsync(Invocation call)
    {
        Hypervisor hypervisor = call.Host.Hypervisor;
        List<(string Name, object Value)> machine = [.. Node(), .. Physical(hypervisor)], software = [.. Software(hypervisor)];
        bool hasTopology = call.Has("numa");
        if (call.IsJson)
        {
            call.WriteJson(json => WriteJson(json, [.. machine, .. software], hasTopology ? Topology.Read(hypervisor) : null));
            return Task.FromResult(0);
        }
        string? wanted = hasTopology ? null : call.Words.FirstOrDefault();
        WriteItems(call.Output, machine, wanted);
        if (hasTopology)
            WriteTopology(call.Output, Topology.Read(hypervisor));
        WriteItems(call.Output, software, wanted);
        return Task.FromResult(0);
    }

    private static IEnumerable<(string, object)> Node() =>
    [
        ("host", Kernel("hostname")),
        ("release", Kernel("osrelease")),
        ("version", Kernel("version")),
        ("machine", RuntimeInformation.OSArchitecture == Architecture.X64 ? "x86_64" : "aarch64"),
    ];

    private static IEnumerable<(string, object)> Physical(Hypervisor hypervisor)
    {
        SysctlPhysInfo info = hypervisor.GetPhysicalInfo();
        (ulong freed, ulong used) = hypervisor.GetSharedMemory();
        ReadOnlySpan<uint> features = info.HwCap;
        return
        [
            ("nr_cpus", info.CpuCount),
            ("max_cpu_id", info.MaxCpuId),
            ("nr_nodes", info.NodeCount),
            ("cores_per_socket", info.CoresPerSocket),
            ("threads_per_core", info.ThreadsPerCore),
            ("cpu_mhz", string.Create(CultureInfo.InvariantCulture, $"{info.CpuKhz / 1000}.{info.CpuKhz % 1000:000}")),
            ("hw_caps", string.Join(':', features.ToArray().Select(word => word.ToString("x8", CultureInfo.InvariantCulture)))),
            ("virt_caps", string.Join(' ', Capabilities(info.Capabilities))),
            ("total_memory", Mebibytes(info.TotalPages)),
            ("free_memory", Mebibytes(info.FreePages - info.OutstandingPages)),
            ("sharing_freed_memory", Mebibytes(freed)),
            ("sharing_used_memory", Mebibytes(used)),
            ("outstanding_claims", Mebibytes(info.OutstandingPages)),
            ("free_cpus", (uint)hypervisor.GetFreeCpus().Count(isFree => isFree)),
        ];
    }

    private static IEnumerable<string> Capabilities(PhysInfoCapabilities capabilities)
    {
        const PhysInfoCapabilities hvmDirect = PhysInfoCapabilities.Hvm | PhysInfoCapabilities.DirectIo, pvDirect = PhysInfoCapabilities.Pv | PhysInfoCapabilities.DirectIo;
        (PhysInfoCapabilities Needed, string Name)[] all =
        [
            (PhysInfoCapabilities.Pv, "pv"),
            (PhysInfoCapabilities.Hvm, "hvm"),
            (hvmDirect, "hvm_directio"),
            (pvDirect, "pv_directio"),
            (PhysInfoCapabilities.Hap, "hap"),
            (PhysInfoCapabilities.Shadow, "shadow"),
            (PhysInfoCapabilities.IommuHapPtShare, "iommu_hap_pt_share"),
            (PhysInfoCapabilities.VmTrace, "vmtrace"),
            (PhysInfoCapabilities.Vpmu, "vpmu"),
            (PhysInfoCapabilities.GrantTableV1, "gnttab-v1"),
            (PhysInfoCapabilities.GrantTableV2, "gnttab-v2"),
        ];
        return all.Where(item => (capabilities & item.Needed) == item.Needed).Select(item => item.Name);
    }

    private static IEnumerable<(string, object)> Software(Hypervisor hypervisor)
    {
        (int major, int minor, string extra) = hypervisor.GetVersion();
        (string compiler, string by, string domain, string date) = hypervisor.GetCompileInfo();
        return
        [
            ("xen_major", (uint)major),
            ("xen_minor", (uint)minor),
            ("xen_extra", extra),
            ("xen_version", string.Create(CultureInfo.InvariantCulture, $"{major}.{minor}{extra}")),
            ("xen_caps", hypervisor.GetCapabilities()),
            ("xen_scheduler", SchedulerNames.Of(hypervisor.GetScheduler())),
            ("xen_pagesize", (uint)hypervisor.GetPageSize()),
            ("platform_params", string.Create(CultureInfo.InvariantCulture, $"virt_start=0x{hypervisor.GetVirtualStart():x}")),
            ("xen_changeset", hypervisor.GetChangeSet()),
            ("xen_commandline", hypervisor.GetCommandLine()),
            ("cc_compiler", compiler),
            ("cc_compile_by", by),
            ("cc_compile_domain", domain),
            ("cc_compile_date", date),
            ("build_id", hypervisor.GetBuildId()),
            ("xend_config_format", 4u),
        ];
    }

    /// <param name="wanted">The beginning of a line: then only the values of such lines.</param>
    private static void WriteItems(TextWriter output, List<(string Name, object Value)> items, string? wanted)
    {
        foreach ((string name, object value) in items)
        {
            // Xen's has no space before a list that is empty.
            string line = $"{name.PadRight(NameColumn)}:{(name == "virt_caps" && value is "" ? "" : " ")}{value}\n";
            if (wanted is null)
                output.Write(line);
            else if (line.StartsWith(wanted, StringComparison.Ordinal) && line[NameColumn + 1] == ' ')
                output.Write(line[(NameColumn + 2)..]);
        }
    }

    private static void WriteTopology(TextWriter output, Topology topology)
    {
        output.Write("cpu_topology           :\ncpu:    core    socket     node\n");
        for (int cpu = 0; cpu < topology.Cpus.Count; cpu++)
        {
            SysctlCpuTopology place = topology.Cpus[cpu];
            if (place.Core != SysctlConstants.InvalidCoreId)
                output.Write($"{cpu,3}:    {place.Core,4}     {place.Socket,4}     {(int)place.Node,4}\n");
        }
        output.Write("device topology        :\ndevice           node\n");
        foreach ((string address, uint node) in topology.Devices)
            output.Write($"{address}      {node}\n");
        if (topology.Devices.Count == 0)
            output.Write("No device topology data available\n");
        output.Write("numa_info              :\nnode:    memsize    memfree    distances\n");
        for (int node = 0; node < topology.Nodes.Count; node++)
        {
            (SysctlMemoryInfo memory, uint[] distances) = topology.Nodes[node];
            if (memory.MemorySize != ulong.MaxValue && memory.MemorySize != SysctlConstants.InvalidMemorySize)
                output.Write($"{node,4}:    {memory.MemorySize >> MebibyteShift,6}     {memory.MemoryFree >> MebibyteShift,6}      {string.Join(',', distances)}\n");
        }
    }

    private static void WriteJson(Utf8JsonWriter json, List<(string Name, object Value)> items, Topology? topology)
    {
        json.WriteStartObject();
        foreach ((string name, object value) in items)
        {
            if (value is uint or ulong)
                json.WriteNumber(name, Convert.ToUInt64(value, CultureInfo.InvariantCulture));
            else
                json.WriteString(name, (string)value);
        }
        topology?.Write(json);
        json.WriteEndObject();
    }

    private static string Kernel(string item) => File.ReadAllText($"/proc/sys/kernel/{item}").TrimEnd('\n');

    private static ulong Mebibytes(ulong pages) => pages * PageSize >> MebibyteShift;

    /// <summary>Where CPUs, memory and devices are.</summary>
    private sealed record Topology(IReadOnlyList<SysctlCpuTopology> Cpus, IReadOnlyList<(SysctlMemoryInfo Memory, uint[] Distances)> Nodes, IReadOnlyList<(string Address, uint Node)> Devices)
    {
        public static Topology Read(Hypervisor hypervisor)
        {
            string[] addresses = Directory.Exists(PciDevices) ? [.. Directory.EnumerateFileSystemEntries(PciDevices).Select(path => Path.GetFileName(path)!).Where(name => name.Length == 12).Order(StringComparer.Ordinal)] : [];
            IReadOnlyList<uint> nodes = addresses.Length == 0 ? [] : hypervisor.GetPciNodes(Array.ConvertAll(addresses, Parse));
            return new Topology(
                hypervisor.GetCpuTopology(),
                hypervisor.GetNumaNodes(),
                [.. addresses.Zip(nodes).Where(device => device.Second is not (SysctlConstants.InvalidNodeId or SysctlConstants.InvalidDevice))]);
        }

        public void Write(Utf8JsonWriter json)
        {
            json.WriteStartArray("cpu_topology");
            for (int cpu = 0; cpu < Cpus.Count; cpu++)
            {
                if (Cpus[cpu].Core == SysctlConstants.InvalidCoreId)
                    continue;
                json.WriteStartObject();
                json.WriteNumber("cpu", cpu);
                json.WriteNumber("core", Cpus[cpu].Core);
                json.WriteNumber("socket", Cpus[cpu].Socket);
                json.WriteNumber("node", Cpus[cpu].Node);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteStartArray("device_topology");
            foreach ((string address, uint node) in Devices)
            {
                json.WriteStartObject();
                json.WriteString("device", address);
                json.WriteNumber("node", node);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteStartArray("numa_info");
            foreach ((SysctlMemoryInfo memory, uint[] distances) in Nodes)
            {
                json.WriteStartObject();
                json.WriteNumber("size", memory.MemorySize);
                json.WriteNumber("free", memory.MemoryFree);
                json.WriteStartArray("dists");
                foreach (uint distance in distances)
                    json.WriteNumberValue(distance);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }

        /// <summary>An address like 0000:00:1f.2.</summary>
        private static PhysicalDevicePciDevice Parse(string address) => new()
        {
            Segment = ushort.Parse(address.AsSpan(0, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            Bus = byte.Parse(address.AsSpan(5, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            Devfn = (byte)((byte.Parse(address.AsSpan(8, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture) << 3) | (address[11] - '0')),
        };
    }
}
