// SPDX-License-Identifier: MIT
// The console loop against real pseudo-terminals, with rings in memory.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using XenSharp.Consoled;
using XenSharp.Interop;
using Xunit;

namespace XenSharp.Tests.Tools.Consoled;

public sealed class ConsoleLoopTests : IDisposable
{
    private readonly FakeConsoleHost _host = new();
    private readonly DaemonOptions _options = new();
    private readonly Dictionary<ConsoleId, string> _terminals = [];
    private readonly List<string> _reports = [];
    private readonly EpollEvent[] _events = new EpollEvent[64];
    private readonly string _folder = Directory.CreateTempSubdirectory("xencons").FullName;
    private ConsoleLoop? _loop;
    private long _now = 1000;

    private ConsoleLoop Loop
    {
        get
        {
            if (_loop is not null)
                return _loop;
            _options.LogFolder = _folder;
            _options.Report = _reports.Add;
            return _loop = new ConsoleLoop(_host, _options) { Clock = () => _now, TerminalMade = (id, name) => _terminals[id] = name };
        }
    }

    public void Dispose()
    {
        _loop?.Dispose();
        _host.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void TextFlowsBothWays()
    {
        FakeGuest guest = Attach(7);
        int reader = Terminal.Open(_terminals[new ConsoleId(7, 0)]);
        guest.Write("login: "u8);
        Settle();
        Assert.Equal("login: ", ReadAll(reader));
        Descriptors.WriteAll(reader, "root\r"u8);
        SettleTyped();
        Assert.Equal("root\r", guest.Read());
        Descriptors.Close(reader);
        Assert.Empty(_reports);
    }

    [Fact]
    public void WhatWasWrittenBeforeTheDaemonCameIsServed()
    {
        FakeGuest guest = _host.AddGuest(7);
        guest.Write("early"u8);
        Assert.True(Loop.Attach(new ConsoleId(7, 0), new ConsoleSettings(0x1000, 5, 0, null)));
        Settle();
        Assert.Equal("early", ReadAll(Terminal.Open(_terminals[new ConsoleId(7, 0)])));
    }

    [Fact]
    public void BytesAreNotChanged()
    {
        FakeGuest guest = Attach(7);
        int reader = Terminal.Open(_terminals[new ConsoleId(7, 0)]);
        byte[] all = Enumerable.Range(0, 256).Select(value => (byte)value).ToArray();
        guest.Write(all);
        Settle();
        Assert.Equal(all, Encoding.Latin1.GetBytes(ReadAll(reader)));
        Descriptors.WriteAll(reader, all);
        SettleTyped();
        Assert.Equal(Encoding.Latin1.GetString(all), guest.Read());
        Descriptors.Close(reader);
    }

    [Fact]
    public void InputWaitsForRoomInTheRing()
    {
        FakeGuest guest = Attach(7);
        int reader = Terminal.Open(_terminals[new ConsoleId(7, 0)]);
        string typed = string.Concat(Enumerable.Range(0, 400).Select(number => $"{number:D4}"));
        Descriptors.WriteAll(reader, Encoding.ASCII.GetBytes(typed));
        Settle();
        SettleTyped();
        string first = guest.Read();
        Assert.Equal(1024, first.Length);
        SettleTyped();
        Assert.Equal(typed, first + guest.Read());
        Descriptors.Close(reader);
    }

    [Theory]
    [InlineData(FakeGuest.OutputProducer, 2049u)]
    [InlineData(FakeGuest.OutputProducer, 0x8000_0000u)]
    [InlineData(FakeGuest.OutputConsumer, 1u)]
    [InlineData(FakeGuest.InputProducer, 1025u)]
    [InlineData(FakeGuest.InputConsumer, 1u)]
    public void SenselessIndicesAreLeftAlone(int index, uint value)
    {
        FakeGuest guest = Attach(7);
        int reader = Terminal.Open(_terminals[new ConsoleId(7, 0)]);
        uint[] before = Indices(guest);
        guest[index] = value;
        _host.Raise(guest.LocalPort);
        Descriptors.WriteAll(reader, "typed"u8);
        SettleTyped();
        bool isOutput = index is FakeGuest.OutputProducer or FakeGuest.OutputConsumer;
        Assert.Equal("", ReadAll(reader));
        Assert.Equal(isOutput ? before[2] + (index == FakeGuest.OutputConsumer ? 1u : 0) : before[2], guest[FakeGuest.OutputConsumer]);
        if (!isOutput)
            Assert.Equal(before[1] + (index == FakeGuest.InputProducer ? 1025u : 0), guest[FakeGuest.InputProducer]);
        // Once they make sense again, so does the console.
        guest[FakeGuest.OutputProducer] = guest[FakeGuest.OutputConsumer] = guest[FakeGuest.InputProducer] = guest[FakeGuest.InputConsumer] = uint.MaxValue - 1;
        guest.Write("again"u8);
        Settle();
        Assert.Equal("again", ReadAll(reader));
        Descriptors.Close(reader);
    }

    [Fact]
    public void AFloodIsServedThirtyTimesInARowAndThenAtAPace()
    {
        FakeGuest guest = Attach(7);
        int before = _host.Unmaskings;
        for (int event_ = 0; event_ < 100; event_++)
        {
            guest.Write("x"u8);
            Settle();
        }
        // The event of the binding counts too.
        Assert.InRange(_host.Unmaskings - before, 27, 30);
        int throttled = _host.Unmaskings;
        Assert.True(Loop.Find(new ConsoleId(7, 0))!.IsThrottled);
        Assert.InRange(Loop.WaitMs(), 1, 7);
        for (int millisecond = 0; millisecond < 700; millisecond++)
        {
            _now++;
            guest.Write("x"u8);
            Settle();
        }
        Assert.InRange(_host.Unmaskings - throttled, 99, 101);
        _now += 210;
        for (int event_ = 0; event_ < 29; event_++)
        {
            Settle();
            Assert.False(Loop.Find(new ConsoleId(7, 0))!.IsThrottled);
            guest.Write("x"u8);
        }
        Settle();
        Assert.Equal(guest[FakeGuest.OutputProducer], guest[FakeGuest.OutputConsumer]);
    }

    [Fact]
    public void AFloodOfOneGuestDoesNotStopAnother()
    {
        FakeGuest flooding = Attach(7), quiet = Attach(8);
        int reader = Terminal.Open(_terminals[new ConsoleId(8, 0)]);
        for (int event_ = 0; event_ < 1000; event_++)
        {
            flooding.Write("flood\n"u8);
            Turn();
        }
        quiet.Write("still here"u8);
        Settle();
        Assert.Equal("still here", ReadAll(reader));
        Descriptors.Close(reader);
    }

    [Fact]
    public void WithoutAReaderTheOldestAndTheNewestStay()
    {
        _options.LogsGuests = true;
        FakeGuest guest = Attach(7, limit: 8192, name: "many");
        StringBuilder all = new();
        for (int line = 0; line < 20_000; line++)
            Emit(guest, all, $"line {line}\n");
        string shown = "";
        int reader = Terminal.Open(_terminals[new ConsoleId(7, 0)]);
        for (string part; (part = ReadAll(reader)).Length > 0;)
        {
            shown += part;
            Settle();
        }
        Assert.StartsWith("line 0\nline 1\n", shown);
        Assert.EndsWith("line 19999\n", shown);
        Assert.True(shown.Length < all.Length / 4);
        Assert.Equal(all.ToString(), File.ReadAllText(Path.Combine(_folder, "guest-many.log")));
        Descriptors.Close(reader);
    }

    [Fact]
    public void WhereNothingMayBeLostTheGuestWaits()
    {
        _options.DiscardsOverflow = false;
        FakeGuest guest = Attach(7, limit: 8192);
        byte[] block = Encoding.ASCII.GetBytes(new string('k', 2048));
        int written = 0;
        for (int times = 0; times < 200; times++)
        {
            written += guest.Write(block);
            Settle();
            _now += 200;
        }
        Assert.True(Loop.Find(new ConsoleId(7, 0))!.IsHeld);
        Assert.True(written < 100_000);
        int read = 0;
        int reader = Terminal.Open(_terminals[new ConsoleId(7, 0)]);
        for (string part; (part = ReadAll(reader)).Length > 0;)
        {
            read += part.Length;
            Settle();
            _now += 200;
        }
        Assert.Equal(written, read);
        Assert.False(Loop.Find(new ConsoleId(7, 0))!.IsHeld);
        Descriptors.Close(reader);
    }

    [Fact]
    public void TwoThousandConsolesShareOneLoop()
    {
        FakeGuest[] guests = Enumerable.Range(1, 2000).Select(domain => Attach(domain)).ToArray();
        for (int index = 0; index < guests.Length; index++)
            guests[index].Write(Encoding.ASCII.GetBytes($"I am {index + 1}"));
        Settle();
        Assert.Equal(2000, _terminals.Values.Distinct().Count());
        for (int index = 0; index < guests.Length; index++)
        {
            int reader = Terminal.Open(_terminals[new ConsoleId(index + 1, 0)]);
            string expected = $"I am {index + 1}";
            Assert.Equal(expected, ReadAll(reader, expected.Length));
            Descriptors.Close(reader);
        }
        for (int domain = 1; domain <= 2000; domain++)
            Loop.Remove(new ConsoleId(domain, 0));
        Assert.Equal(0, _host.BoundPorts);
        Assert.All(guests, guest => Assert.Equal(0, guest.Mappings));
        Assert.False(File.Exists(_terminals[new ConsoleId(1999, 0)]));
    }

    [Fact]
    public void ADaemonThatTakesOverGoesOnWhereTheRingIs()
    {
        FakeGuest guest = Attach(7);
        guest.Write("before "u8);
        Settle();
        string old = _terminals[new ConsoleId(7, 0)];
        _loop!.Dispose();
        _loop = null;
        guest.Write("while nobody was there "u8);
        Assert.True(Loop.Attach(new ConsoleId(7, 0), new ConsoleSettings(0x1000, 5, 0, null)));
        guest.Write("after"u8);
        Settle();
        Assert.Equal("while nobody was there after", ReadAll(Terminal.Open(_terminals[new ConsoleId(7, 0)])));
        Assert.Equal(1, guest.Mappings);
        Assert.True(old.Length > 0);
    }

    [Fact]
    public void ADyingDomainsLastWordsAreLogged()
    {
        _options.LogsGuests = true;
        FakeGuest guest = Attach(7, name: "last");
        guest.Write("reboot: Power down"u8);
        Loop.Remove(new ConsoleId(7, 0));
        Assert.Equal("reboot: Power down", File.ReadAllText(Path.Combine(_folder, "guest-last.log")));
        Assert.Equal(0, _host.BoundPorts);
        Assert.Equal(0, guest.Mappings);
    }

    [Fact]
    public void AChangedPortIsBoundAnewAndTheTerminalStays()
    {
        Attach(7);
        string terminal = _terminals[new ConsoleId(7, 0)];
        Assert.False(Loop.Attach(new ConsoleId(7, 0), new ConsoleSettings(0x1000, 99, 0, null)));
        Assert.Contains(_reports, report => report.StartsWith("domain 7: binding", StringComparison.Ordinal));
        Assert.True(Loop.Attach(new ConsoleId(7, 0), new ConsoleSettings(0x1000, 5, 0, null)));
        Assert.Equal(terminal, _terminals[new ConsoleId(7, 0)]);
        Assert.Equal(1, _host.BoundPorts);
    }

    [Fact]
    public void TheHypervisorsLogGrows()
    {
        _options.LogsHypervisor = true;
        _host.AppendHypervisorText("(XEN) boot\n");
        string path = Path.Combine(_folder, "hypervisor.log");
        Assert.NotNull(Loop);
        Assert.Equal("(XEN) boot\n", File.ReadAllText(path));
        _host.AppendHypervisorText(new string('x', 40_000));
        Settle();
        _host.AppendHypervisorText("(XEN) end\n");
        Settle();
        Assert.Equal(11 + 40_000 + 10, new FileInfo(path).Length);
    }

    private FakeGuest Attach(int domain, int limit = 0, string? name = null)
    {
        FakeGuest guest = _host.AddGuest(domain);
        Assert.True(Loop.Attach(new ConsoleId(domain, 0), new ConsoleSettings(0x1000, 5, limit, name)));
        Settle();
        return guest;
    }

    /// <summary>A guest's line that waits for room in the ring, with as many periods as that takes.</summary>
    private void Emit(FakeGuest guest, StringBuilder all, string line)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(line);
        all.Append(line);
        for (int written = 0; written < bytes.Length;)
        {
            written += guest.Write(bytes.AsSpan(written));
            if (written == bytes.Length)
                break;
            _now += 200;
            Settle();
        }
        if (line.EndsWith("99\n", StringComparison.Ordinal))
        {
            _now += 200;
            Settle();
        }
    }

    private bool Turn()
    {
        int before = _host.Notifications + _host.Unmaskings;
        Loop.Turn(_events, 0);
        return _host.Notifications + _host.Unmaskings != before;
    }

    /// <summary>Until a turn does nothing. A terminal passes bytes on by a worker of the kernel, so nothing at once is not yet nothing.</summary>
    private void Settle()
    {
        for (int idle = 0; idle < 3; idle++)
        {
            if (Turn())
                idle = -1;
        }
    }

    /// <summary>As <see cref="Settle"/>, behind what the kernel's worker brings from a reader.</summary>
    private void SettleTyped()
    {
        do
        {
            Settle();
            Loop.Turn(_events, 50);
        }
        while (Turn());
    }

    private static uint[] Indices(FakeGuest guest) =>
        [guest[FakeGuest.InputConsumer], guest[FakeGuest.InputProducer], guest[FakeGuest.OutputConsumer], guest[FakeGuest.OutputProducer]];

    /// <summary>What there is; with a length, as soon as there is that much.</summary>
    private static string ReadAll(int reader, int enough = int.MaxValue)
    {
        StringBuilder text = new();
        Span<byte> bytes = stackalloc byte[4096];
        PollEntry entry = PollEntry.ForReading(reader);
        // The kernel's worker gets a moment to pass on what was written at the other side.
        while (text.Length < enough && Descriptors.Poll(new Span<PollEntry>(ref entry), enough == int.MaxValue ? 20 : 5000) > 0 && Descriptors.Read(reader, bytes, out int count) == TransferState.Done)
        {
            text.Append(Encoding.Latin1.GetString(bytes[..count]));
            entry = PollEntry.ForReading(reader);
        }
        return text.ToString();
    }
}
