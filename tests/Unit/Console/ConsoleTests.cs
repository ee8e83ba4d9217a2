// SPDX-License-Identifier: MIT
// The console: dom0's text, input and its switching, levels and the rate limit, the ring behind `xl dmesg`.

using XenSharp.Abi;
using XenSharp.Core.Console;
using XenSharp.Testing;
using XenSharp.Tests.Unit.EventChannels;
using XenSharp.Tests.Unit.Hypercalls;
using Xunit;
using static XenSharp.Tests.Unit.Hypercalls.HypercallGuest;

namespace XenSharp.Tests.Unit.Console;

public class ConsoleTests
{
    private const ulong At = 0x1000;
    private readonly TestHost _machine = new();
    private readonly TestDomain _dom0;

    public ConsoleTests() => _dom0 = _machine.AddDom0();

    private string Text => _machine.Platform.ConsoleText;

    [Fact]
    public void Dom0WritesToTheWire()
    {
        "one\ntwo\r\nthree"u8.CopyTo(_dom0.Page(1));
        Assert.Equal(0, _dom0.Hypercall(HypercallGuest.Console, 0, 14, At));
        Assert.EndsWith("one\r\ntwo\r\nthree", Text);
        Assert.Equal(0, _dom0.Hypercall(HypercallGuest.Console, 0, 0, Unmapped));
        Assert.Equal(Fault, _dom0.Hypercall(HypercallGuest.Console, 0, 16, Unmapped));
        Assert.Equal(TooBig, _dom0.Hypercall(HypercallGuest.Console, 1, 0x8000_0000, At));
        Assert.Equal(NoSystem, _dom0.Hypercall(HypercallGuest.Console, 2, 1, At));
    }

    [Fact]
    public void LongTextIsWrittenInTurns()
    {
        for (ulong page = 1; page < 9; page++)
            _dom0.Page(page).Fill((byte)'x');
        int before = Text.Length;
        Assert.Equal(0, _dom0.Hypercall(out int rounds, HypercallGuest.Console, 0, 8 * 4096, At));
        Assert.True(rounds > 4);
        Assert.Equal(before + (8 * 4096), Text.Length);
    }

    [Fact]
    public void OtherDomainsNeedPermission()
    {
        TestDomain guest = _machine.AddDomain(3);
        "hello\x01 world\nrest"u8.CopyTo(guest.Page(1));
        Assert.Equal(Perm, guest.Hypercall(HypercallGuest.Console, 0, 17, At));
        guest.Domain.MayWriteConsole = true;
        guest.Domain.CreateConsoleLine();
        _machine.Host.Console.GuestThresholds.Set(4, 4);
        Assert.Equal(0, guest.Hypercall(HypercallGuest.Console, 0, 17, At));
        Assert.EndsWith("(d3) hello world\r\n", Text);
    }

    [Fact]
    public void ThreePressesSwitchTheInput()
    {
        ConsoleInput input = _machine.Host.Input;
        input.EndBoot();
        Assert.EndsWith("(XEN) *** Serial input to DOM0 (type 'CTRL-a' three times to switch input)\r\n", Text);
        Assert.True(input.IsForDom0);
        _machine.Platform.Type("\x01\x01\x01");
        input.Poll(_machine.Cpu());
        Assert.EndsWith("(XEN) *** Serial input to Xen (type 'CTRL-a' three times to switch input)\r\n", Text);
        _machine.Platform.Type("h");
        input.Poll(_machine.Cpu());
        Assert.Contains("key 'q' (ascii '71') => dump domain (and guest debug) info", Text);
        _machine.Platform.Type("\x01\x01\x01");
        input.Poll(_machine.Cpu());
        Assert.True(input.IsForDom0);
    }

    [Fact]
    public void InputGoesToDom0WithItsInterrupt()
    {
        _machine.Host.Input.EndBoot();
        Assert.Equal(0, _dom0.BindVirq((uint)VirtualIrq.Console, 0, out uint port));
        _machine.Platform.Type("ls\x01\x01x");
        _machine.Host.Input.Poll(_machine.Cpu());
        Assert.True(_dom0.IsPending(port));
        Assert.Equal(2, _dom0.Hypercall(HypercallGuest.Console, 1, 2, At));
        Assert.Equal("ls", _dom0.Text(At, 2));
        Assert.Equal(3, _dom0.Hypercall(HypercallGuest.Console, 1, 100, At));
        Assert.Equal("\x01\x01x", _dom0.Text(At, 3));
        Assert.Equal(0, _dom0.Hypercall(HypercallGuest.Console, 1, 100, At));
    }

    [Fact]
    public void FullInputBufferDropsTheNewest()
    {
        _machine.Host.Input.EndBoot();
        for (int i = 0; i < ConsoleInput.Capacity + 10; i++)
            _machine.Host.Input.Receive((byte)('a' + (i % 26)), _machine.Cpu());
        Assert.Equal(ConsoleInput.Capacity, _dom0.Hypercall(HypercallGuest.Console, 1, 1000, At));
        Assert.StartsWith("abcdef", _dom0.Text(At, 128));
    }

    [Fact]
    public void LevelsDecideWhatIsPrinted()
    {
        HostConsole console = _machine.Host.Console;
        console.Print(LogLevel.Debug, "quiet"u8);
        console.Print(LogLevel.Warning, "loud"u8);
        console.Print("always"u8);
        Assert.DoesNotContain("quiet", Text);
        Assert.Contains("(XEN) loud\r\n", Text);
        Assert.Contains("(XEN) always\r\n", Text);
    }

    [Fact]
    public void GuestsLinesAreLimited()
    {
        HostConsole console = _machine.Host.Console;
        for (int i = 0; i < 30; i++)
            console.BeginGuest(LogLevel.Warning).Text("guest line"u8).End();
        Assert.Equal(10, Occurrences("guest line"));
        _machine.Advance(5_000_000_000);
        console.BeginGuest(LogLevel.Warning).Text("guest line"u8).End();
        Assert.Equal(11, Occurrences("guest line"));
        Assert.Contains("printk: 20 messages suppressed.", Text);
        console.BeginGuest(LogLevel.Info).Text("chatter"u8).End();
        Assert.DoesNotContain("chatter", Text);
    }

    [Fact]
    public void RingIsReadBySysctl()
    {
        _machine.Host.Console.Print("remember me"u8);
        _dom0.WriteWords(At, 0x15_0000_0001, 0, 0x2000, 4096);
        Assert.Equal(0, _dom0.Hypercall(Sysctl, At));
        uint count = _dom0.Read<uint>(At + 24), index = _dom0.Read<uint>(At + 12);
        Assert.EndsWith("(XEN) remember me\n", _dom0.Text(0x2000, (int)count));

        // From the last index on there is only what came since, and clearing forgets the rest.
        _machine.Host.Console.Print("more"u8);
        _dom0.WriteWords(At, 0x15_0000_0001, 0x0000_0101 | ((ulong)index << 32), 0x2000, 4096);
        Assert.Equal(0, _dom0.Hypercall(Sysctl, At));
        Assert.Equal("(XEN) more\n", _dom0.Text(0x2000, (int)_dom0.Read<uint>(At + 24)));
        _dom0.WriteWords(At, 0x15_0000_0001, 0, 0x2000, 4096);
        _dom0.Hypercall(Sysctl, At);
        Assert.Equal(0u, _dom0.Read<uint>(At + 24));
    }

    [Fact]
    public void NewLinesAreAnnouncedToDom0()
    {
        _machine.Host.Input.EndBoot();
        Assert.Equal(0, _dom0.BindVirq((uint)VirtualIrq.ConsoleRing, 0, out uint port));
        _machine.Host.Console.Print("news"u8);
        Assert.False(_dom0.IsPending(port));
        _machine.Host.Input.Poll(_machine.Cpu());
        Assert.True(_dom0.IsPending(port));
    }

    private int Occurrences(string what) => (Text.Length - Text.Replace(what, "").Length) / what.Length;
}
