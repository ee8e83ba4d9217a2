// SPDX-License-Identifier: MIT
// `./xensharp bench xenstore`: our daemon, Debian's two and an echo server under the same load in one run. Started below eng/xenstore-oracles.sh.
//
// The subjects take turns, load by load, so that each meets the same noise of the host; each figure is the median of some runs.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using XenSharp.Abi;
using XenSharp.Lab.Common;

namespace XenSharp.Bench.Xenstore;

internal sealed class XenstoreBench(TimeSpan duration, int runs, int[] sizes, bool isJson) : IDisposable
{
    private const string MemoryFolder = "/dev/shm";

    // In memory where there is such a folder, as /run is, where xenstored has its socket and our daemon its state.
    private readonly string _folder = Directory.Exists(MemoryFolder)
        ? Directory.CreateDirectory(Path.Combine(MemoryFolder, $"xsbench{Environment.ProcessId}")).FullName : Directory.CreateTempSubdirectory("xsbench").FullName;
    private readonly List<Process> _processes = [];
    private readonly List<Measurement> _measurements = [];

    public int Run()
    {
        Subject echo = Start("echo", "dotnet", [System.Reflection.Assembly.GetExecutingAssembly().Location, "xenstore-echo", Path.Combine(_folder, "echo")], Path.Combine(_folder, "echo"));
        string program = Path.Combine(Repository.Root, "out/xenstored/xensharp-xenstored");
        string socket = Path.Combine(_folder, "ours");
        Subject ours = Start("ours", program, ["-N", "-D"], socket);
        List<Subject> daemons = [ours];
        foreach ((string name, string key) in (ReadOnlySpan<(string, string)>)[("C", "XENSTORE_C"), ("OCaml", "XENSTORE_OCAML")])
        {
            if (Environment.GetEnvironmentVariable(key) is { } path)
                daemons.Add(new Subject(name, path, int.Parse(Environment.GetEnvironmentVariable(key + "_PID")!, CultureInfo.InvariantCulture)));
        }
        List<string> memory = [];
        int before = 0;
        foreach (int nodes in sizes)
        {
            foreach (Subject daemon in daemons)
            {
                // Debian's C daemon takes minutes for a million nodes.
                if (nodes > 100_000 && daemon.Name == "C")
                    continue;
                long resident = daemon.Use().Resident;
                LoadResult filled = Load(daemon, [new Population(new StoreShape(nodes))], nodes);
                Note("populate", 1, nodes, daemon, filled, 0);
                memory.Add(string.Create(CultureInfo.InvariantCulture,
                    $"{daemon.Name}: {(daemon.Use().Resident - resident) / (double)(nodes - before):0} bytes a node from {before:#,0} to {nodes:#,0} nodes, {daemon.Use().Resident >> 20} MiB in all"));
            }
            before = nodes;
            Subject[] all = [echo, .. daemons.Where(daemon => nodes <= 100_000 || daemon.Name != "C")];
            foreach (int clients in (ReadOnlySpan<int>)[1, 16, 256])
                Measure(all, clients, new StoreShape(nodes));
        }
        string restart = Restart(ours, program, socket);
        string watches = ManyWatches([.. daemons]);
        BenchReport.Write(Console.Out, _measurements, [.. memory, restart, watches], isJson);
        return 0;
    }

    public void Dispose()
    {
        foreach (Process process in _processes)
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }
        Directory.Delete(_folder, recursive: true);
    }

    private void Measure(Subject[] subjects, int clients, StoreShape shape)
    {
        (string Name, Func<int, Workload> Make)[] loads =
        [
            ("read", client => new SingleRequests(client, random => Requests.Make(XenstoreMessageType.Read, $"{RandomNode(random, shape)}|"))),
            ("write", client => new SingleRequests(client, random => Requests.Make(XenstoreMessageType.Write, $"{RandomNode(random, shape)}|0123456789abcdef"))),
            ("directory", client => new SingleRequests(client, random => Requests.Make(XenstoreMessageType.Directory, $"/bench/d{random.Next(shape.Directories)}|"))),
            ("transaction", client => new Transactions(client, clients, shape)),
        ];
        foreach ((string name, Func<int, Workload> make) in loads)
        {
            Progress.Step($"{name}, {clients} clients, {shape.Nodes} nodes");
            Dictionary<Subject, List<(LoadResult Result, double Cpu)>> results = subjects.ToDictionary(subject => subject, _ => new List<(LoadResult, double)>());
            for (int run = 0; run < runs; run++)
            {
                foreach (Subject subject in subjects)
                {
                    // The echo server answers a transaction's requests too, but not with what the client needs; its twelfth is the ceiling.
                    if (subject.Name == "echo" && name == "transaction")
                        continue;
                    double cpu = subject.Use().Seconds;
                    LoadResult result = Load(subject, Enumerable.Range(0, clients).Select(make));
                    results[subject].Add((result, (subject.Use().Seconds - cpu) * 1e6 / Math.Max(result.Count, 1)));
                }
            }
            foreach ((Subject subject, List<(LoadResult Result, double Cpu)> all) in results)
            {
                if (all.Count > 0)
                    Note(name, clients, shape.Nodes, subject, all.OrderBy(one => one.Result.PerSecond).ElementAt(all.Count / 2).Result, all.Select(one => one.Cpu).Order().ElementAt(all.Count / 2));
            }
        }
    }

    /// <summary>A client that has set many watches elsewhere waits for the event of its own write.</summary>
    private string ManyWatches(Subject[] daemons)
    {
        const int watches = 100_000;
        List<string> texts = [];
        foreach (Subject daemon in daemons)
        {
            // Debian's C daemon looks through all watches of a connection for each one that is set: ten thousand must do.
            int count = daemon.Name == "C" ? watches / 10 : watches;
            using LoadGenerator setter = new(daemon.Path, [new WatchedWrites(7, count)]);
            setter.Run(TimeSpan.FromMinutes(2), 1);
            LoadResult result = setter.Run(duration);
            texts.Add(string.Create(CultureInfo.InvariantCulture, $"{daemon.Name} {result.P50Us:0} / {result.P99Us:0} us with {count:#,0} watches"));
        }
        return $"watch latency, p50 / p99: {string.Join("; ", texts)}";
    }

    /// <summary>Kills the daemon and asks at once.</summary>
    private string Restart(Subject ours, string program, string socket)
    {
        int worker = ours.WorkerId;
        Stopwatch clock = Stopwatch.StartNew();
        XenSharp.Interop.Processes.Signal(worker, XenSharp.Interop.Processes.Kill);
        using (LoadGenerator probe = new(socket, [new SingleRequests(0, _ => Requests.Make(XenstoreMessageType.Read, "/bench/d0/n0|"))]))
            probe.Run(TimeSpan.FromSeconds(1), 1);
        double full = clock.Elapsed.TotalMilliseconds;
        string other = Path.Combine(_folder, "empty");
        clock.Restart();
        Start("empty", program, ["-N", "-D"], other);
        using (LoadGenerator probe = new(other, [new SingleRequests(0, _ => Requests.Make(XenstoreMessageType.Read, "/tool|"))]))
            probe.Run(TimeSpan.FromSeconds(1), 1);
        return string.Create(CultureInfo.InvariantCulture,
            $"ours: {clock.Elapsed.TotalMilliseconds:0} ms from start to the first answer of an empty store; {full:0} ms from kill -9 to the next answer with {sizes[^1]:#,0} nodes");
    }

    private static string RandomNode(Random random, StoreShape shape) => StoreShape.Node(random.Next(shape.Directories), random.Next(StoreShape.PerDirectory));

    private void Note(string load, int clients, int nodes, Subject subject, LoadResult result, double cpu) =>
        _measurements.Add(new Measurement(load, clients, nodes, subject.Name, result, cpu));

    private LoadResult Load(Subject subject, IEnumerable<Workload> workloads, long units = long.MaxValue)
    {
        using LoadGenerator generator = new(subject.Path, workloads);
        return generator.Run(units == long.MaxValue ? duration : TimeSpan.FromMinutes(10), units);
    }

    private Subject Start(string name, string program, string[] arguments, string socket)
    {
        ProcessStartInfo start = new(program, arguments) { UseShellExecute = false };
        start.Environment["XENSTORED_PATH"] = socket;
        start.Environment.Remove("LD_PRELOAD");
        Process process = Process.Start(start) ?? throw new LabException($"{program} does not start.");
        _processes.Add(process);
        for (int wait = 0; !File.Exists(socket); wait++)
        {
            if (wait == 3000 || process.HasExited)
                throw new LabException($"{program} does not make its socket {socket}.");
            Thread.Sleep(10);
        }
        return new Subject(name, socket, process.Id);
    }
}
