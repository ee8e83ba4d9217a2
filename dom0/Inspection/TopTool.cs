// SPDX-License-Identifier: MIT
// xentop: the domains' use of the machine, again and again. Options and keys of Xen 4.17's tools/xentop/xentop.c. Called by InspectionTools; xl top runs it.

using System;
using System.Globalization;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using XenSharp.CommandLine;
using XenSharp.Control;
using XenSharp.XenstoreClient;

namespace XenSharp.Inspection;

/// <summary>What the options and keys have set.</summary>
internal sealed class TopSettings
{
    public int DelaySeconds { get; set; } = 3;

    public bool IsBatch { get; set; }

    /// <summary>How often to show; 0 for ever.</summary>
    public int Iterations { get; set; }

    public bool HasFullNames { get; set; }

    public bool HasVcpus { get; set; }

    public bool HasNetworks { get; set; }

    public bool HasDisks { get; set; }

    public bool RepeatsHeader { get; set; }

    /// <summary>Xen's begins with the names.</summary>
    public int SortColumn { get; set; }

    public int FirstDomain { get; set; }

    public TopTable Table(TopSnapshot? before, TopSnapshot now) => new(before, now)
    {
        HasFullNames = HasFullNames,
        HasVcpus = HasVcpus,
        HasNetworks = HasNetworks,
        HasDisks = HasDisks,
        RepeatsHeader = RepeatsHeader,
        SortColumn = SortColumn,
    };
}

internal static class TopTool
{
    private const string Usage =
        """
        Usage: {0} [OPTION]
        Displays ongoing information about xen vm resources 

        -h, --help           display this help and exit
        -V, --version        output version information and exit
        -d, --delay=SECONDS  seconds between updates (default 3)
        -n, --networks       output vif network data
        -x, --vbds           output vbd block device data
        -r, --repeat-header  repeat table header before each domain
        -v, --vcpus          output vcpu data
        -b, --batch	     output in batch mode, no user input accepted
        -i, --iterations     number of iterations before exiting
        -f, --full-name      output the full domain name (not truncated)

        """;

    private static readonly GetOptions s_options = new("hVnxrvd:bi:f",
        ["help:h", "version:V", "networks:n", "vbds:x", "repeat-header:r", "vcpus:v", "delay=d", "batch:b", "iterations=i", "full-name:f"]);

    public static async Task<int> RunAsync(string name, string[] arguments, TextWriter output, TextWriter errors)
    {
        TopSettings settings = new();
        try
        {
            foreach ((char option, string value) in s_options.Parse(arguments, out _))
            {
                switch (option)
                {
                    case 'h':
                        await output.WriteAsync(string.Format(CultureInfo.InvariantCulture, Usage, name));
                        return 0;
                    case 'V':
                        await output.WriteLineAsync("xentop 1.0");
                        return 0;
                    case 'n': settings.HasNetworks = true; break;
                    case 'x': settings.HasDisks = true; break;
                    case 'r': settings.RepeatsHeader = true; break;
                    case 'v': settings.HasVcpus = true; break;
                    case 'b': settings.IsBatch = true; break;
                    case 'f': settings.HasFullNames = true; break;
                    case 'd': settings.DelaySeconds = Number(value); break;
                    case 'i': settings.Iterations = Number(value); break;
                }
            }
        }
        catch (FormatException failure)
        {
            await errors.WriteLineAsync($"{name}: {failure.Message}");
            await output.WriteAsync(string.Format(CultureInfo.InvariantCulture, Usage, name));
            return 0;
        }

        try
        {
            using Hypervisor hypervisor = Hypervisor.Open();
            await using XenstoreConnection xenstore = await XenstoreConnection.ConnectAsync();
            if (settings.IsBatch)
                await RunBatchAsync(hypervisor, xenstore, settings, output);
            else
                await new TopScreen(settings).RunAsync(() => TopSnapshot.TakeAsync(hypervisor, xenstore));
            return 0;
        }
        catch (Exception failure) when (failure is IOException or HypercallException or XenstoreException or System.Net.Sockets.SocketException)
        {
            await output.FlushAsync();
            await errors.WriteLineAsync($"{name}: {failure.Message}");
            return 1;
        }
    }

    private static async Task RunBatchAsync(Hypervisor hypervisor, XenstoreConnection xenstore, TopSettings settings, TextWriter output)
    {
        using CancellationTokenSource ending = new();
        Action<PosixSignalContext> end = context =>
        {
            context.Cancel = true;
            ending.Cancel();
        };
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, end);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, end);
        TopSnapshot? before = null;
        for (int round = 1; !ending.IsCancellationRequested; round++)
        {
            TopSnapshot now = await TopSnapshot.TakeAsync(hypervisor, xenstore);
            foreach (string line in settings.Table(before, now).Lines())
                await output.WriteLineAsync(line);
            await output.FlushAsync(CancellationToken.None);
            before = now;
            if (round == settings.Iterations)
                return;
            await Task.Delay(TimeSpan.FromSeconds(settings.DelaySeconds), ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static int Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : throw new FormatException($"'{text}' is no number");
}
