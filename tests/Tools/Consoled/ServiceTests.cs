// SPDX-License-Identifier: MIT
// The daemon's service against a real xenstore daemon: which consoles it serves, what it writes there, and the client joined to it.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using XenSharp.Consoled;
using XenSharp.Interop;
using XenSharp.XenstoreClient;
using Xunit;

namespace XenSharp.Tests.Tools.Consoled;

public sealed class ServiceTests : IAsyncLifetime
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly string _folder = Directory.CreateTempSubdirectory("xencs").FullName;
    private readonly FakeConsoleHost _host = new();
    private readonly DaemonOptions _options = new();
    private readonly List<string> _reports = [];
    private readonly CancellationTokenSource _ending = new();
    private Process? _daemon;
    private XenstoreConnection? _store;
    private ConsoleLoop? _loop;
    private Task? _serving;

    private XenstoreView Store => _store!.Store;

    public async Task InitializeAsync()
    {
        string socket = Path.Combine(_folder, "socket");
        ProcessStartInfo start = new("dotnet", [Path.Combine(AppContext.BaseDirectory, "xensharp-xenstored.dll"), "-N", "-D", "--no-keeper"]);
        start.Environment["XENSTORED_PATH"] = socket;
        _daemon = Process.Start(start)!;
        using CancellationTokenSource patience = new(s_patience);
        while (_store is null)
        {
            try
            {
                _store = await XenstoreConnection.ConnectAsync(socket, patience.Token);
            }
            catch (System.Net.Sockets.SocketException)
            {
                await Task.Delay(20, patience.Token);
            }
        }
    }

    public async Task DisposeAsync()
    {
        await _ending.CancelAsync();
        if (_serving is not null)
            await _serving;
        _loop?.Dispose();
        await _store!.DisposeAsync();
        _daemon!.Kill();
        await _daemon.WaitForExitAsync();
        _daemon.Dispose();
        _host.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task AGuestsConsoleComesAndGoes()
    {
        _options.LogsGuests = true;
        await AddAsync(7, "web");
        await ServeAsync();
        string terminal = await WaitAsync("/local/domain/7/console/tty", value => value.StartsWith("/dev/pts/", StringComparison.Ordinal));
        Assert.Equal(["n0", "r7"], PermissionsOf(await Store.GetPermissionsAsync("/local/domain/7/console/tty")));
        int reader = Terminal.Open(terminal);
        await OnLoop(() => _host.Guest(7).Write("login: "u8));
        Assert.Equal("login: ", ReadExactly(reader, 7));
        Descriptors.Close(reader);

        lock (_host.Domains)
            _host.Domains.Clear();
        await TriggerReleaseAsync();
        await UntilAsync(() => _loop!.Count == 0);
        Assert.Equal("login: ", await File.ReadAllTextAsync(Path.Combine(_folder, "guest-web.log")));
        Assert.Equal(0, _host.BoundPorts);
        Assert.Empty(_reports);
    }

    [Fact]
    public async Task AConsoleOfAnotherBackendIsLeftAlone()
    {
        await AddAsync(7, "hvm");
        await Store.WriteAsync("/local/domain/7/console/type", "ioemu");
        await AddAsync(8, "pv");
        await ServeAsync();
        await WaitAsync("/local/domain/8/console/tty", value => value.Length > 0);
        Assert.Equal("", await Store.ReadAsync("/local/domain/7/console/tty"));
        Assert.Equal(1, _host.BoundPorts);
    }

    [Fact]
    public async Task AGuestCannotSayWhereItsTerminalIs()
    {
        await AddAsync(7, "sly");
        await Store.SetPermissionsAsync("/local/domain/7/console/tty", [new XenstorePermission('n', 7), new XenstorePermission('w', 8)]);
        await ServeAsync();
        await WaitAsync("/local/domain/7/console/tty", value => value.Length > 0);
        IReadOnlyList<XenstorePermission> permissions = [];
        for (long start = Stopwatch.GetTimestamp(); permissions.Count == 0 || permissions[0].Domain != 0; await Task.Delay(10))
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < s_patience, "the guest keeps the node");
            permissions = await Store.GetPermissionsAsync("/local/domain/7/console/tty");
        }
        Assert.Equal(["n0", "r7"], PermissionsOf(permissions));
    }

    [Fact]
    public async Task AnExtraConsoleThatWasThereIsServedByANewDaemon()
    {
        await AddAsync(7, "web");
        const string back = "/local/domain/0/backend/console/7/2", front = "/local/domain/7/device/console/2";
        _host.AddGuest(7, reference: 77, port: 6);
        await Store.WriteAsync($"{back}/type", "xenconsoled");
        await Store.WriteAsync($"{back}/state", "4");
        await Store.WriteAsync($"{front}/ring-ref", "77");
        await Store.WriteAsync($"{front}/port", "6");
        await Store.WriteAsync($"{front}/state", "4");
        await ServeAsync();
        await WaitAsync($"{front}/tty", value => value.Length > 0);
    }

    [Fact]
    public async Task AConsoleThatAppearsLaterIsServed()
    {
        await ServeAsync();
        await AddAsync(7, "late", hasPort: false);
        await TriggerReleaseAsync();
        await Store.WriteAsync("/local/domain/7/console/port", "5");
        await WaitAsync("/local/domain/7/console/tty", value => value.Length > 0);
    }

    [Fact]
    public async Task AnExtraConsoleGoesThroughItsStates()
    {
        await AddAsync(7, "web");
        const string back = "/local/domain/0/backend/console/7/1", front = "/local/domain/7/device/console/1";
        await ServeAsync();
        await _store!.TransactAsync(async view =>
        {
            await view.WriteAsync($"{front}/type", "xenconsoled");
            await view.WriteAsync($"{front}/state", "1");
            await view.WriteAsync($"{back}/state", "1");
        });
        await WaitAsync($"{back}/state", value => value == "2");
        FakeGuest guest = await OnLoop(() => _host.AddGuest(7, reference: 77, port: 6));
        await Store.WriteAsync($"{front}/ring-ref", "77");
        await Store.WriteAsync($"{front}/port", "6");
        await Store.WriteAsync($"{front}/state", "3");
        await WaitAsync($"{back}/state", value => value == "4");
        string terminal = await WaitAsync($"{front}/tty", value => value.Length > 0);
        await Store.WriteAsync($"{front}/state", "4");
        int reader = Terminal.Open(terminal);
        await OnLoop(() => guest.Write("second"u8));
        Assert.Equal("second", ReadExactly(reader, 6));
        Descriptors.Close(reader);
        await Store.WriteAsync($"{front}/state", "6");
        await WaitAsync($"{back}/state", value => value == "6");
        await UntilAsync(() => _loop!.Count == 1);
    }

    [Fact]
    public async Task AClientIsJoinedUntilTheEscapeCharacterAndAcrossARestart()
    {
        await AddAsync(7, "web");
        await ServeAsync();
        using PseudoTerminal screen = PseudoTerminal.Open();
        int side = Terminal.Open(screen.Name);
        using TerminalNode node = new(_store!, "/local/domain/7/console/tty");
        using TerminalBridge bridge = new(node, side, side);
        Assert.True(bridge.TryOpen(s_patience));
        Task<int> running = Task.Run(() => bridge.Run(isInteractive: false, notify: -1));
        await OnLoop(() => _host.Guest(7).Write("hello"u8));
        Assert.Equal("hello", ReadExactly(screen.Master, 5));
        Descriptors.WriteAll(screen.Master, "ls\r"u8);
        string typed = "";
        await UntilAsync(() => (typed += OnLoop(() => _host.Guest(7).Read()).Result).Length == 3);
        Assert.Equal("ls\r", typed);

        // A new daemon: the terminal is another one, and the client follows.
        await _ending.CancelAsync();
        await _serving!;
        _loop!.Dispose();
        using CancellationTokenSource second = new();
        _loop = NewLoop();
        Task<int> serving = ConsoledProgram.ServeAsync(_store!, _host, _loop, _options, second.Token);
        await OnLoopWhenBound(7);
        await OnLoop(() => _host.Guest(7).Write("again"u8));
        Assert.Equal("again", ReadExactly(screen.Master, 5));

        Descriptors.WriteAll(screen.Master, [0x1D]);
        Assert.Equal(0, await running.WaitAsync(s_patience));
        await second.CancelAsync();
        await serving;
        Descriptors.Close(side);
    }

    private async Task AddAsync(int domain, string name, bool hasPort = true)
    {
        lock (_host.Domains)
            _host.AddGuest(domain);
        string folder = $"/local/domain/{domain}";
        await Store.WriteAsync($"{folder}/name", name);
        await Store.MakeDirectoryAsync($"{folder}/console");
        await Store.SetPermissionsAsync($"{folder}/console", [new XenstorePermission('n', 0), new XenstorePermission('r', domain)]);
        await Store.WriteAsync($"{folder}/console/tty", "");
        await Store.WriteAsync($"{folder}/console/type", "xenconsoled");
        await Store.WriteAsync($"{folder}/console/limit", "1048576");
        await Store.WriteAsync($"{folder}/console/ring-ref", "4096");
        if (hasPort)
            await Store.WriteAsync($"{folder}/console/port", "5");
    }

    private ConsoleLoop NewLoop()
    {
        _options.LogFolder = _folder;
        _options.Report = text =>
        {
            lock (_reports)
                _reports.Add(text);
        };
        return new ConsoleLoop(_host, _options);
    }

    private async Task ServeAsync()
    {
        _loop = NewLoop();
        _serving = ConsoledProgram.ServeAsync(_store!, _host, _loop, _options, _ending.Token);
        await OnLoop(() => 0);
    }

    /// <summary>The special watches fire when a domain that xenstore knows is released.</summary>
    private async Task TriggerReleaseAsync()
    {
        try
        {
            await _store!.IntroduceAsync(99, 1, 1);
        }
        finally
        {
            await _store!.ReleaseAsync(99);
        }
    }

    private Task<T> OnLoop<T>(Func<T> work)
    {
        TaskCompletionSource<T> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _loop!.Post(() => done.SetResult(work()));
        return done.Task.WaitAsync(s_patience);
    }

    private async Task OnLoopWhenBound(int domain) => await UntilAsync(() => OnLoop(() => _host.Guest(domain).LocalPort).Result != 0);

    private async Task<string> WaitAsync(string path, Predicate<string> isWanted)
    {
        using CancellationTokenSource patience = new(s_patience);
        await foreach (XenstoreEvent _ in _store!.WatchAsync(path, cancellation: patience.Token))
        {
            if (await Store.ReadAsync(path, patience.Token) is { } value && isWanted(value))
                return value;
        }
        throw new InvalidOperationException();
    }

    private static async Task UntilAsync(Func<bool> isDone)
    {
        for (long start = Stopwatch.GetTimestamp(); !isDone(); await Task.Delay(10))
            Assert.True(Stopwatch.GetElapsedTime(start) < s_patience, "it does not happen");
    }

    private static string[] PermissionsOf(IReadOnlyList<XenstorePermission> permissions)
    {
        string[] texts = new string[permissions.Count];
        for (int index = 0; index < texts.Length; index++)
            texts[index] = permissions[index].ToString();
        return texts;
    }

    private static string ReadExactly(int descriptor, int length)
    {
        StringBuilder text = new();
        Span<byte> bytes = stackalloc byte[512];
        while (text.Length < length)
        {
            PollEntry entry = PollEntry.ForReading(descriptor);
            Assert.Equal(1, Descriptors.Poll(new Span<PollEntry>(ref entry), (int)s_patience.TotalMilliseconds));
            Assert.Equal(TransferState.Done, Descriptors.Read(descriptor, bytes[..Math.Min(512, length - text.Length)], out int count));
            text.Append(Encoding.Latin1.GetString(bytes[..count]));
        }
        return text.ToString();
    }
}
