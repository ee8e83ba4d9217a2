// SPDX-License-Identifier: MIT
// The states of a disk, with frontends that follow the protocol and others that write what they like.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using XenSharp.BlockBackend;
using XenSharp.BlockBackend.Images;
using XenSharp.BlockBackend.Rings;
using XenSharp.BlockBackend.Xenbus;
using XenSharp.Interop;
using Xunit;

namespace XenSharp.Tests.BlockBackend;

public sealed class DiskTests : IDisposable
{
    private const string Backends = "/local/domain/0/backend/qdisk/7", Backend = Backends + "/51712", Frontend = "/local/domain/7/device/vbd/51712";
    private readonly string _path = Path.GetTempFileName();
    private readonly FakeStore _store = new();
    private readonly List<string> _log = [];
    private readonly List<FrontendRing> _started = [];
    private int _running;
    private Func<FrontendRing, bool> _refuses = _ => false;

    public DiskTests()
    {
        File.WriteAllBytes(_path, new byte[1 << 20]);
        _store.Nodes["domid"] = "0";
        _store.Nodes["/local/domain/7"] = "";
        AddDisk(Backend, Frontend);
    }

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void ADiskIsAnnouncedConnectedAndClosed()
    {
        Run(
            () => Assert.Equal("2", State(Backend)),
            () => Offer(("ring-ref", "8"), ("event-channel", "5")),
            () =>
            {
                Assert.Equal("4", State(Backend));
                Assert.Equal("2048", _store.Nodes[Backend + "/sectors"]);
                Assert.Equal(1, _running);
                _store.Write(Backend + "/online", "0");
                _store.Write(Backend + "/state", "5");
            },
            () => Assert.Equal(0, _running),
            () => _store.Write(Frontend + "/state", "6"),
            () => Assert.Equal("6", State(Backend)));
        Assert.Equal(8u, _started.Single().References.Single());
        Assert.Equal("running", _store.Nodes["/local/domain/0/device-model/7/state"]);
    }

    [Fact]
    public void QueuesAndRingPagesAreReadAsTheFrontendNamesThem()
    {
        if (Environment.ProcessorCount < 2)
            return;
        Run(() => Offer(
            ("ring-page-order", "1"), ("multi-queue-num-queues", "2"), ("queue-0/ring-ref0", "1"), ("queue-0/ring-ref1", "2"), ("queue-0/event-channel", "3"),
            ("queue-1/ring-ref0", "4"), ("queue-1/ring-ref1", "5"), ("queue-1/event-channel", "6")));
        Assert.Equal([[1u, 2u], [4u, 5u]], _started.Select(ring => ring.References));
        Assert.Equal([3u, 6u], _started.Select(ring => ring.Port));
    }

    [Theory]
    [InlineData("ring-ref", null)]
    [InlineData("ring-ref", "")]
    [InlineData("ring-ref", "-1")]
    [InlineData("ring-ref", "4294967296")]
    [InlineData("ring-ref", "0x10")]
    [InlineData("event-channel", null)]
    [InlineData("event-channel", "99999999999999999999")]
    [InlineData("protocol", "x86_65-abi")]
    [InlineData("protocol", "\u001b[2J\0\n")]
    [InlineData("ring-page-order", "5")]
    [InlineData("ring-page-order", "31")]
    [InlineData("ring-page-order", "33")]
    [InlineData("ring-page-order", "4294967295")]
    [InlineData("multi-queue-num-queues", "0")]
    [InlineData("multi-queue-num-queues", "9")]
    [InlineData("multi-queue-num-queues", "4294967295")]
    [InlineData("multi-queue-num-queues", "one")]
    public void AnOfferOutOfRangeClosesThisDiskOnly(string name, string? value)
    {
        string other = Backends + "/51728", otherFrontend = "/local/domain/7/device/vbd/51728";
        AddDisk(other, otherFrontend);
        Dictionary<string, string> offer = new() { ["ring-ref"] = "8", ["event-channel"] = "5" };
        if (value is null)
            offer.Remove(name);
        else
            offer[name] = value;
        Run(
            () => Offer([.. offer.Select(pair => (pair.Key, pair.Value))]),
            () => Offer(otherFrontend, ("ring-ref", "9"), ("event-channel", "6")));
        Assert.Equal("5", State(Backend));
        Assert.Equal("4", State(other));
        Assert.Equal(9u, _started.Single().References.Single());
        Assert.All(_log, line => Assert.DoesNotContain(line, char.IsControl));
    }

    [Fact]
    public void AQueueThatTheKernelRefusesTakesTheOthersDown()
    {
        _refuses = ring => ring.Port == 6;
        if (Environment.ProcessorCount < 2)
            return;
        Run(() => Offer(("multi-queue-num-queues", "2"), ("queue-0/ring-ref", "1"), ("queue-0/event-channel", "3"), ("queue-1/ring-ref", "4"), ("queue-1/event-channel", "6")));
        Assert.Equal("5", State(Backend));
        Assert.Single(_started);
        Assert.Equal(0, _running);
    }

    [Fact]
    public void AFrontendThatVanishesLosesItsQueuesAndMayComeBack()
    {
        Run(
            () => Offer(("ring-ref", "8"), ("event-channel", "5")),
            () => _store.Remove(Frontend),
            () => Assert.Equal(0, _running),
            () => Assert.Equal("6", State(Backend)),
            () => _store.Write(Frontend + "/state", "1"),
            () => Assert.Equal("2", State(Backend)),
            () => Offer(("ring-ref", "9"), ("event-channel", "5")),
            () => Assert.Equal("4", State(Backend)));
        Assert.Equal(2, _started.Count);
    }

    [Fact]
    public void ABackendDirectoryThatVanishesLeavesNothing()
    {
        Run(
            () => Offer(("ring-ref", "8"), ("event-channel", "5")),
            () =>
            {
                _store.Refused = Backend;
                _store.Remove(Backend);
            },
            () => Assert.Equal(0, _running),
            () => Assert.Equal(2, _store.Watches));
    }

    [Fact]
    public void AFrontendThatComesAndGoesWithoutEndFillsNoLog()
    {
        Action[] steps = new Action[1000];
        for (int i = 0; i < steps.Length; i++)
        {
            int step = i;
            steps[i] = () =>
            {
                _store.Nodes[Frontend + "/ring-ref"] = step % 3 == 0 ? "nonsense" : "8";
                _store.Nodes[Frontend + "/event-channel"] = "5";
                _store.Write(Frontend + "/state", (step % 4) switch { 0 => "1", 1 => "3", 2 => "6", _ => "x" });
            };
        }

        Run(steps);
        Assert.InRange(_log.Count, 50, 110);
        Assert.True(_started.Count > 100);
    }

    [Fact]
    public void RandomStatesNeverStopTheService()
    {
        var random = new Random(4);
        string[] names = ["state", "ring-ref", "ring-ref0", "event-channel", "protocol", "multi-queue-num-queues", "ring-page-order", "queue-0/ring-ref"];
        string[] values = ["0", "1", "2", "3", "4", "5", "6", "7", "", "-1", "4294967295", "x86_32-abi", "\0\0", new string('9', 4000)];
        Action[] steps = new Action[3000];
        Array.Fill(steps, () =>
        {
            string node = $"{Frontend}/{names[random.Next(names.Length)]}";
            if (random.Next(5) == 0)
                _store.Remove(node);
            else
                _store.Write(node, values[random.Next(values.Length)]);
        });
        Run([.. steps, () => _store.Write(Frontend + "/state", "5"), () => _store.Write(Frontend + "/state", "6"), () => Assert.Equal(0, _running)]);
    }

    private void AddDisk(string backend, string frontend)
    {
        foreach ((string name, string value) in ((string, string)[])[("frontend", frontend), ("params", "aio:" + _path), ("mode", "w"), ("online", "1"), ("state", "1")])
            _store.Nodes[$"{backend}/{name}"] = value;
        _store.Nodes[frontend + "/state"] = "1";
    }

    private string State(string end) => _store.Nodes[end + "/state"];

    private void Offer(params (string Name, string Value)[] nodes) => Offer(Frontend, nodes);

    private void Offer(string frontend, params (string Name, string Value)[] nodes)
    {
        foreach ((string name, string value) in nodes)
            _store.Nodes[$"{frontend}/{name}"] = value;
        _store.Write(frontend + "/state", "3");
    }

    /// <summary>Each step happens when the backend has dealt with all of the former one.</summary>
    private void Run(params Action[] steps)
    {
        int next = 0;
        _store.NextStep = () =>
        {
            if (next == steps.Length)
                return false;
            steps[next++]();
            return true;
        };
        using var service = new DiskService(_store, 7, Start, _log.Add);
        service.Run();
        Assert.Equal(steps.Length, next);
    }

    private IDisposable Start(DiskImage image, ushort domain, RingProtocol protocol, FrontendRing offer, Action<string> complain)
    {
        if (_refuses(offer))
            throw new SystemFailure("binding", 22);
        _started.Add(offer);
        _running++;
        return new FakeStore.Ending(() => _running--);
    }
}
