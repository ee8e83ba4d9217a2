// SPDX-License-Identifier: MIT
// The client library against a daemon, and as a package.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using XenSharp.Tests.Xenstore.Live;
using XenSharp.XenstoreClient;
using Xunit;

namespace XenSharp.Tests.Xenstore.Clients;

public sealed class ClientTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task NodesAndPermissions()
    {
        using DaemonProcess daemon = new();
        await using XenstoreConnection xenstore = await XenstoreConnection.ConnectAsync(daemon.SocketPath);
        Assert.Null(await xenstore.Store.ReadAsync("/c/none"));
        await xenstore.Store.WriteAsync("/c/a", "å");
        await xenstore.Store.MakeDirectoryAsync("/c/b");
        Assert.Equal("å", await xenstore.Store.ReadAsync("/c/a"));
        Assert.Equal(["a", "b"], await xenstore.Store.ListAsync("/c"));
        Assert.True(await xenstore.Store.ExistsAsync("/c/b"));
        await xenstore.Store.SetPermissionsAsync("/c/a", [new XenstorePermission('r', 0), new XenstorePermission('w', 7)]);
        Assert.Equal(["r0", "w7"], (await xenstore.Store.GetPermissionsAsync("/c/a")).Select(permission => permission.ToString()));
        Assert.True(await xenstore.Store.RemoveAsync("/c/b"));
        Assert.False(await xenstore.Store.RemoveAsync("/c/b/deeper"));
        XenstoreException failure = await Assert.ThrowsAsync<XenstoreException>(() => xenstore.Store.WriteAsync("/bad//path", ""));
        Assert.Equal("EINVAL", failure.Error);
        Assert.Equal("/local/domain/3", await xenstore.GetDomainPathAsync(3));
    }

    [Fact]
    public async Task AListLongerThanAMessageComesWhole()
    {
        using DaemonProcess daemon = new();
        await using XenstoreConnection xenstore = await XenstoreConnection.ConnectAsync(daemon.SocketPath);
        string[] names = [.. Enumerable.Range(0, 1000).Select(number => $"{number:D8}")];
        await Task.WhenAll(names.Select(name => xenstore.Store.WriteAsync($"/many/{name}", "")));
        Assert.Equal(names, await xenstore.Store.ListAsync("/many"));
    }

    [Fact]
    public async Task ABatchIsDoneInOrderAndTellsItsFirstFailure()
    {
        using DaemonProcess daemon = new();
        await using XenstoreConnection xenstore = await XenstoreConnection.ConnectAsync(daemon.SocketPath);
        XenstoreBatch batch = xenstore.Store.StartBatch();
        await batch.CompleteAsync();
        batch.Remove("/b/none");
        batch.Write("/b/a", "1");
        batch.SetPermissions("/b/a", [new XenstorePermission('n', 3)]);
        batch.Write("/b/a", "2");
        batch.MakeDirectory("/b/c");
        batch.Remove("/b/c");
        await batch.CompleteAsync();
        Assert.Equal("2 none", string.Join(" ", (await xenstore.Store.ReadAllAsync(["/b/a", "/b/c"])).Select(value => value ?? "none")));
        Assert.Equal("n3", (await xenstore.Store.GetPermissionsAsync("/b/a"))[0].ToString());
        Assert.Empty(await xenstore.Store.ReadAllAsync([]));

        batch.Write("/b/first", "");
        batch.Write("/bad//path", "");
        batch.Write("/b/long", new string('x', 4096));
        batch.SetPermissions("/b/not", []);
        batch.Write("/b/last", "");
        Assert.Contains("/bad//path: EINVAL", (await Assert.ThrowsAsync<XenstoreException>(() => batch.CompleteAsync())).Message);
        Assert.Equal(["a", "first", "last"], await xenstore.Store.ListAsync("/b"));

        string[] paths = [.. Enumerable.Range(0, 3000).Select(number => $"/b/many/{number}")];
        foreach (string path in paths)
            batch.Write(path, path);
        await batch.CompleteAsync();
        string?[] values = await xenstore.Store.ReadAllAsync(paths);
        Assert.Equal(paths.AsEnumerable(), values.AsEnumerable());
    }

    [Fact]
    public async Task WatchesAreStreamsThatEndWithTheirLoop()
    {
        using DaemonProcess daemon = new();
        await using XenstoreConnection xenstore = await XenstoreConnection.ConnectAsync(daemon.SocketPath);
        await using XenstoreConnection other = await XenstoreConnection.ConnectAsync(daemon.SocketPath);
        List<string> seen = [];
        await foreach (XenstoreEvent change in xenstore.WatchAsync("/w"))
        {
            seen.Add(change.Path);
            if (seen.Count == 3)
                break;
            await other.Store.WriteAsync($"/w/{seen.Count}", "");
        }
        Assert.Equal(["/w", "/w/1", "/w/2"], seen);
        using CancellationTokenSource stop = new();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (XenstoreEvent _ in xenstore.WatchAsync("/w", cancellation: stop.Token))
                await stop.CancelAsync();
        });
        // The connection is as good as before.
        Assert.Equal("", await xenstore.Store.ReadAsync("/w/1"));
    }

    [Fact]
    public async Task AWatchThatDoesNotComeAboutSaysWhy()
    {
        using DaemonProcess daemon = new();
        await using XenstoreConnection xenstore = await XenstoreConnection.ConnectAsync(daemon.SocketPath);
        XenstoreException refusal = await Assert.ThrowsAsync<XenstoreException>(() => First("/bad//path", CancellationToken.None));
        Assert.Equal("Watch /bad//path: EINVAL", refusal.Message);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => First("/w", new CancellationToken(canceled: true)));

        async Task First(string path, CancellationToken cancellation)
        {
            await foreach (XenstoreEvent _ in xenstore.WatchAsync(path, cancellation: cancellation))
                return;
        }
    }

    /// <summary>Tasks of several connections count up one node: no count is lost, though they disturb each other.</summary>
    [Fact]
    public async Task TransactionsTryAgain()
    {
        using DaemonProcess daemon = new();
        int tries = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            await using XenstoreConnection xenstore = await XenstoreConnection.ConnectAsync(daemon.SocketPath);
            for (int round = 0; round < 25; round++)
            {
                await xenstore.TransactAsync(async view =>
                {
                    Interlocked.Increment(ref tries);
                    int count = int.Parse(await view.ReadAsync("/count") ?? "0");
                    await Task.Yield();
                    await view.WriteAsync("/count", $"{count + 1}");
                });
            }
        })).WaitAsync(s_limit);
        await using XenstoreConnection last = await XenstoreConnection.ConnectAsync(daemon.SocketPath);
        Assert.Equal("100", await last.Store.ReadAsync("/count"));
        Assert.True(tries >= 100);
        await Assert.ThrowsAsync<InvalidOperationException>(() => last.TransactAsync(async view =>
        {
            await view.WriteAsync("/count", "lost");
            throw new InvalidOperationException();
        }));
        Assert.Equal("100", await last.Store.ReadAsync("/count"));
    }

    [Fact]
    public async Task TheEndOfTheDaemonEndsWhatWaits()
    {
        DaemonProcess daemon = new("--no-keeper");
        await using XenstoreConnection xenstore = await XenstoreConnection.ConnectAsync(daemon.SocketPath);
        await using IAsyncEnumerator<XenstoreEvent> watch = xenstore.WatchAsync("/w").GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync());
        ValueTask<bool> next = watch.MoveNextAsync();
        daemon.Dispose();
        await Assert.ThrowsAnyAsync<Exception>(() => next.AsTask().WaitAsync(s_limit));
        await Assert.ThrowsAnyAsync<Exception>(() => xenstore.Store.ReadAsync("/tool").WaitAsync(s_limit));
    }

    /// <summary>What `dotnet pack` makes has the library, its documentation, its readme and its licence, and needs no other package.</summary>
    [Fact]
    [Trait("Level", "long")]
    public void ThePackageIsWhole()
    {
        string root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "XenSharp.slnx")))
            root = Path.GetDirectoryName(root)!;
        string folder = Directory.CreateTempSubdirectory("xspack").FullName;
        try
        {
            ProcessStartInfo start = new("dotnet", ["pack", Path.Combine(root, "dom0/XenstoreClient"), "-c", "Release", "-o", folder, "--nologo", "-v", "q"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            Assert.StartsWith("0\n", Oracles.Run(start), StringComparison.Ordinal);
            using ZipArchive package = ZipFile.OpenRead(Assert.Single(Directory.GetFiles(folder, "XenSharp.XenstoreClient.*.nupkg")));
            string[] entries = [.. package.Entries.Select(entry => entry.FullName)];
            Assert.Contains("README.md", entries);
            Assert.Contains("LICENSE", entries);
            Assert.Contains("lib/net10.0/XenSharp.XenstoreClient.dll", entries);
            Assert.Contains("<member name=\"M:XenSharp.XenstoreClient.XenstoreConnection.WatchAsync", Text("lib/net10.0/XenSharp.XenstoreClient.xml"), StringComparison.Ordinal);
            string specification = Text("XenSharp.XenstoreClient.nuspec");
            Assert.Contains("<license type=\"expression\">MIT</license>", specification, StringComparison.Ordinal);
            Assert.Contains("<readme>README.md</readme>", specification, StringComparison.Ordinal);
            Assert.DoesNotContain("<dependency ", specification, StringComparison.Ordinal);

            string Text(string name)
            {
                using StreamReader reader = new(package.GetEntry(name)!.Open());
                return reader.ReadToEnd();
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
