// SPDX-License-Identifier: MIT
// The client library by the kernel's device, which bears one request at a time: a second one stops xenstore for the whole kernel.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using XenSharp.XenstoreClient;
using Xunit;

namespace XenSharp.Tests.Xenstore.Clients;

public sealed class DeviceTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task OneRequestAtATime()
    {
        XenbusDevice device = new();
        await using XenstoreConnection xenstore = XenstoreConnection.OverDevice(device);
        Task[] writes = [.. Enumerable.Range(0, 50).Select(number => xenstore.Store.WriteAsync($"/d/{number}", number.ToString(CultureInfo.InvariantCulture)))];
        Assert.Equal(1, device.Written);
        device.Answer();
        await Task.WhenAll(writes).WaitAsync(s_limit);
        string?[] values = await Task.WhenAll(Enumerable.Range(0, 50).Select(number => xenstore.Store.ReadAsync($"/d/{number}"))).WaitAsync(s_limit);
        Assert.Equal(Enumerable.Range(0, 50).Select(number => number.ToString(CultureInfo.InvariantCulture)), values);
        Assert.Equal(0, device.Overlaps);
    }

    [Fact]
    public async Task WhatNobodyWaitsForAnyMoreIsAnsweredBeforeTheNext()
    {
        XenbusDevice device = new();
        await using XenstoreConnection xenstore = XenstoreConnection.OverDevice(device);
        using CancellationTokenSource stop = new();
        Task<string?> abandoned = xenstore.Store.ReadAsync("/none", stop.Token), dropped = xenstore.Store.ReadAsync("/never-asked", stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => abandoned);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dropped);
        Task<string> path = xenstore.GetDomainPathAsync(7);
        Assert.Equal(1, device.Written);
        device.Answer();
        Assert.Equal("/local/domain/7", await path.WaitAsync(s_limit));
        Assert.Equal((2, 0), (device.Written, device.Overlaps));
    }

    [Fact]
    public async Task WatchesBeginAndEndBetweenOtherRequests()
    {
        XenbusDevice device = new();
        await using XenstoreConnection xenstore = XenstoreConnection.OverDevice(device);
        device.Answer();
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async number =>
        {
            List<string> seen = [];
            await foreach (XenstoreEvent change in xenstore.WatchAsync($"/w/{number}"))
            {
                seen.Add(change.Path);
                if (seen.Count == 3)
                    break;
                await xenstore.TransactAsync(view => view.WriteAsync($"/w/{number}/{seen.Count}", ""));
            }
            Assert.Equal([$"/w/{number}", $"/w/{number}/1", $"/w/{number}/2"], seen);
        })).WaitAsync(s_limit);
        Assert.Equal(0, device.Overlaps);
    }

    [Fact]
    public async Task WhatDoesNotFitIntoTheKernelsBufferIsRefused()
    {
        XenbusDevice device = new();
        await using XenstoreConnection xenstore = XenstoreConnection.OverDevice(device);
        device.Answer();
        Assert.Equal("E2BIG", (await Assert.ThrowsAsync<XenstoreException>(() => xenstore.Store.WriteAsync("/big", new string('a', 4096 - 16 - 4)))).Error);
        await xenstore.Store.WriteAsync("/big", new string('a', 4096 - 16 - 5));
    }

    [Fact]
    public async Task TheFileIsClosedThoughItIsBeingRead()
    {
        XenbusDevice device = new();
        XenstoreConnection xenstore = XenstoreConnection.OverDevice(device);
        device.Answer();
        await xenstore.Store.WriteAsync("/a", "");
        await xenstore.DisposeAsync();
        Assert.False(device.IsClosedTooEarly);
    }
}
