// SPDX-License-Identifier: MIT
// Options as getopt_long reads them, the table of commands, help, and the exit codes of wrong words.

using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using XenSharp.CommandLine;
using XenSharp.Xl.Frame;
using Xunit;

namespace XenSharp.Tests.Tools.Xl;

public sealed class FrameTests
{
    private static readonly Option[] s_options =
    [
        Option.Flag('a', "all", ""), Option.Flag('l', "long", ""), Option.Value('d', "domain", "DOMAIN", ""), Option.Flag("json", ""), Option.Value('w', "weight", "WEIGHT", ""),
        Option.Flag('h', "help", ""),
    ];

    /// <summary>The subcommands of xl_cmdtable.c, in its order.</summary>
    private const string Xen417 = """
        create config-update list destroy shutdown reboot pci-attach pci-detach pci-list pci-assignable-add pci-assignable-remove pci-assignable-list pause unpause console vncviewer
        save migrate restore migrate-receive dump-core cd-insert cd-eject mem-max mem-set button-press vcpu-list vcpu-pin vcpu-set vm-list info sharing sched-credit sched-credit2
        sched-rtds domid domname rename trigger sysrq debug-keys set-parameters dmesg top network-attach network-list network-detach channel-list block-attach block-list block-detach
        vtpm-attach vtpm-list vtpm-detach vkb-attach vkb-list vkb-detach vdispl-attach vdispl-list vdispl-detach vsnd-attach vsnd-list vsnd-detach uptime claims cpupool-create
        cpupool-list cpupool-destroy cpupool-rename cpupool-cpu-add cpupool-cpu-remove cpupool-migrate cpupool-numa-split getenforce setenforce loadpolicy remus devd psr-hwinfo
        psr-cmt-attach psr-cmt-detach psr-cmt-show psr-cat-set psr-cat-show psr-mba-set psr-mba-show usbctrl-attach usbctrl-detach usbdev-attach usbdev-detach usb-list
        qemu-monitor-command
        """;

    [Theory]
    [InlineData("-al x", "all long", "x")]
    [InlineData("x -a y -l", "all long", "x y")]
    [InlineData("-d guest -a", "domain=guest all", "")]
    [InlineData("-dguest", "domain=guest", "")]
    [InlineData("-ald guest x", "all long domain=guest", "x")]
    [InlineData("--domain=guest --all", "domain=guest all", "")]
    [InlineData("--domain guest", "domain=guest", "")]
    [InlineData("--dom=guest --lo", "domain=guest long", "")]
    [InlineData("--domain=", "domain=", "")]
    [InlineData("-- -a --long", "", "-a --long")]
    [InlineData("- -a", "all", "-")]
    [InlineData("-w 1 -w2", "weight=1 weight=2", "")]
    [InlineData("-h -x", "help", "")]
    [InlineData("--json", "json", "")]
    public void OptionsAreReadAsGetoptLongReadsThem(string typed, string options, string words)
    {
        ParsedOptions parsed = ParsedOptions.Read(s_options, typed.Split(' '));
        string[] expected = options.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        foreach (string option in expected)
        {
            string[] parts = option.Split('=');
            Assert.True(parsed.Has(parts[0]));
            if (parts.Length > 1)
                Assert.Contains(parts[1], parsed.Values(parts[0]));
        }
        Assert.Equal(expected.Length, s_options.Sum(option => parsed.Values(option.Key).Count()));
        Assert.Equal(words.Split(' ', StringSplitOptions.RemoveEmptyEntries), parsed.Words);
    }

    [Theory]
    [InlineData("-x", "x")]
    [InlineData("-ax", "x")]
    [InlineData("-d", "d")]
    [InlineData("--all=1", "a")]
    [InlineData("--bogus", "--bogus")]
    [InlineData("--domain", "d")]
    public void WrongOptionsAreNamed(string typed, string named)
    {
        OptionException failure = Assert.Throws<OptionException>(() => ParsedOptions.Read(s_options, typed.Split(' ')));
        Assert.Equal(named, failure.Shown);
    }

    [Fact]
    public void AllCommandsOfXenAreThereInXensOrder() =>
        Assert.Equal(Xen417.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries), CommandTable.Commands.Select(command => command.Name));

    [Theory]
    [InlineData("list", "list")]
    [InlineData("li", "list")]
    [InlineData("sched-credit", "sched-credit")]
    [InlineData("sched-c", null)]
    [InlineData("sched-r", "sched-rtds")]
    [InlineData("x", null)]
    public void CommandsCanBeShortened(string word, string? name) => Assert.Equal(name, CommandTable.Find(word)?.Name);

    [Theory]
    [InlineData("xl", 1, "Usage xl [-vfNtT] <subcommand> [args]", "")]
    [InlineData("xl -q list", 1, "", "xl: invalid option -- 'q'\nunknown global option\n")]
    [InlineData("xl nonsense", 1, "", "command not implemented\n")]
    [InlineData("xl help", 0, "Usage xl [-vfNtT] <subcommand> [args]\n\nxl full list of subcommands:\n\n create              ", "")]
    [InlineData("xl help nonsense", 0, "command \"nonsense\" not implemented\n", "")]
    [InlineData("xl help pause", 0, "Usage: xl [-vtTf] pause <Domain>\n\n", "")]
    [InlineData("xl vcpu-pin --help", 0, "Usage: xl [-vtTfN] vcpu-pin [option] <Domain>", "")]
    [InlineData("xl pause", 2, "Usage: xl [-vtTf] pause <Domain>", "'xl pause' requires at least 1 argument.\n\n")]
    [InlineData("xl rename a", 2, "Usage: xl [-vtTf] rename", "'xl rename' requires at least 2 arguments.\n\n")]
    [InlineData("xl list -x", 2, "", "option `x' not supported.\n")]
    [InlineData("xl -N pause 1", 1, "", "command does not implement -N (dryrun) option\n")]
    [InlineData("xl sysrq 0 hh", 1, "Usage: xl [-vtTf] sysrq", "Invalid sysrq.\n\n")]
    [InlineData("xl save 1 file", 1, "", "xl save: streams of a domain's state are not supported yet.\n")]
    [InlineData("xl getenforce", 255, "Flask XSM Disabled\n", "")]
    public async Task WrongWordsEndAsXensDo(string line, int status, string output, string error)
    {
        using FakeHost host = new();
        (string printed, string said, int ended) = await host.RunAsync(line);
        Assert.Equal((status, error), (ended, said));
        Assert.StartsWith(output, printed);
    }

    [Fact]
    public async Task EveryCommandHasHelpWithItsOptions()
    {
        using FakeHost host = new();
        foreach (Command command in CommandTable.Commands)
        {
            string help = await host.PrintAsync($"xl {command.Name} --help");
            Assert.Contains($"\n\n{command.Summary}.\n\nOptions:\n\n", help);
            Assert.All(command.AllOptions, option => Assert.Contains(option.Forms, help));
            Assert.True(command.AllOptions.Select(option => option.Letter).Where(letter => letter != 0).Distinct().Count() == command.AllOptions.Count(option => option.Letter != 0), command.Name);
        }
    }

    [Fact]
    public async Task CompletionIsBashAndKnowsEveryCommand()
    {
        using FakeHost host = new();
        string script = await host.PrintAsync("xl help --completion");
        using Process bash = Process.Start(new ProcessStartInfo("bash") { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        await bash.StandardInput.WriteAsync($"{script}\nCOMP_WORDS=(xl vcpu-p); COMP_CWORD=1; _xl; echo \"${{COMPREPLY[@]}}\"\nCOMP_WORDS=(xl vcpu-pin --f); COMP_CWORD=2; _xl; echo \"${{COMPREPLY[@]}}\"\n");
        bash.StandardInput.Close();
        Assert.Equal("vcpu-pin\n--force\n", await bash.StandardOutput.ReadToEndAsync());
        Assert.All(CommandTable.Commands, command => Assert.Contains($"        {command.Name}) options='", script));
    }

    [Fact]
    public async Task ManualHasEveryCommand()
    {
        using FakeHost host = new();
        string page = await host.PrintAsync("xl help --manual");
        Assert.All(CommandTable.Commands, command => Assert.Contains($".SS \"{command.Name.Replace("-", "\\-")} ", page));
        Assert.DoesNotContain("\n\n", page);
        // What groff has to say about it, where there is one.
        if (!System.IO.File.Exists("/usr/bin/groff"))
            return;
        using Process groff = Process.Start(new ProcessStartInfo("groff", ["-man", "-ww", "-Tutf8"]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> text = groff.StandardOutput.ReadToEndAsync(), complaints = groff.StandardError.ReadToEndAsync();
        await groff.StandardInput.WriteAsync(page);
        groff.StandardInput.Close();
        Assert.Equal("", await complaints);
        string plain = System.Text.RegularExpressions.Regex.Replace(await text, "\u001b\\[[0-9;]*m|.\u0008", "");
        Assert.All(CommandTable.Commands, command => Assert.Contains(command.Name, plain));
    }

    /// <summary>No option stands in the manual with another text than in the help, and none is left out.</summary>
    [Fact]
    public async Task ManualAndHelpSayTheSame()
    {
        using FakeHost host = new();
        string page = (await host.PrintAsync("xl help --manual")).Replace("\\-", "-").Replace("\\(dq", "\"").Replace("\\e", "\\").Replace("\\&", "");
        foreach (Command command in CommandTable.Commands)
        {
            string section = page[page.IndexOf($".SS \"{command.Name} ", StringComparison.Ordinal)..];
            Assert.All(command.AllOptions, option => Assert.Contains($".TP\n.B {option.Forms}\n{option.Description}\n", section));
        }
    }
}
