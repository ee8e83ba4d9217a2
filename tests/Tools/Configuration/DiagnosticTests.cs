// SPDX-License-Identifier: MIT
// What is said of a file that is wrong or odd: every fault at once, each with its file, line and column.
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Xunit;
using XenSharp.Configuration;

namespace XenSharp.Tests.Tools.Configuration;

public sealed class DiagnosticTests
{
    [Theory]
    [InlineData("extra = quiet", "g.cfg:1:9: error: 'quiet' is no value: a string needs quotes")]
    [InlineData("acpi = True", "g.cfg:1:8: error: 'True': truth is 1 or 0, and Python is not understood")]
    [InlineData("memory = 512m", "g.cfg:1:13: error: 'm' behind a number: units cannot be given, and strings need quotes")]
    [InlineData("cap = -1", "g.cfg:1:7: error: '-1': a number below zero needs quotes")]
    [InlineData("extra = \"abc", "g.cfg:1:9: error: the string has no closing \" in its line")]
    [InlineData("extra = \"grün \\q\"", "g.cfg:1:15: error: '\\q' is no escape: \\\\ stands for a backslash, and \\\" \\' \\a \\b \\f \\n \\r \\t \\v are known")]
    [InlineData("vif = [ 'a' 'b' ]", "g.cfg:1:13: error: expected ',' or ']' behind a value of a list, found a string")]
    [InlineData("vif = [ 'a'\nmemory = 5\n", "g.cfg:2:1: error: the list that begins at line 1 has no ']'")]
    [InlineData("= 5", "g.cfg:1:1: error: a setting begins with a name, not with '='")]
    [InlineData("memory 5", "g.cfg:1:8: error: 'memory' is followed by '5' in place of '=' or '+='")]
    [InlineData("memory =\n5", "g.cfg:1:9: error: expected a value, found the end of the line\ng.cfg:2:1: error: a setting begins with a name, not with '5'")]
    [InlineData("vif = ['']\nvif += 'b'", "g.cfg:2:1: error: 'vif': a list cannot be added to a string, nor a string to a list (see g.cfg:1:1)")]
    [InlineData("memory = 5\r\nvcpus = 1\r\n", "g.cfg:1:11: error: a carriage return: the file has the line ends of DOS, where each line is to end in a line feed alone")]
    [InlineData("# end", "g.cfg:1:1: error: the comment in the last line needs a line feed at its end")]
    [InlineData("disk = [ '/x,raw,xvda',\n  '/y,foo,xvdb' ]", "g.cfg:2:7: error: 'disk': format: 'foo' is none of raw, qcow, qcow2, vhd, qed, empty")]
    [InlineData("vcpus = 1\ncpus = \"0,x\"", "g.cfg:2:11: error: 'cpus': 'x' is no number or range of CPUs")]
    [InlineData("on_crash = 'explode'", "g.cfg:1:12: error: 'on_crash': 'explode' is none of destroy, restart, rename-restart, preserve, coredump-destroy, coredump-restart, soft-reset")]
    [InlineData("memory = '1e9'", "g.cfg:1:10: warning: 'memory': '1e9' is not a number; it is ignored")]
    [InlineData("disk = '/x,raw,xvda'", "g.cfg:1:8: warning: 'disk' is a single value and should be a list, in brackets; it is ignored")]
    [InlineData("vcpu = 1", "g.cfg:1:1: warning: 'vcpu' is no item of xl.cfg(5), and has no effect; perhaps 'vcpus' was meant")]
    [InlineData("colour = 1", "g.cfg:1:1: warning: 'colour' is no item of xl.cfg(5), and has no effect")]
    [InlineData("boot = 'c'", "g.cfg:1:1: warning: 'boot' has no effect on this guest: it is for HVM guests")]
    [InlineData("memory = 1\nmemory = 2", "g.cfg:2:1: warning: 'memory' has been set at line 1 already; this one counts")]
    [InlineData("pci = [ '03:00.0' ]", "g.cfg:1:1: not supported yet: 'pci'")]
    [InlineData("vcpus = 1\nvnuma = [ [ 'pnode=0', 'size=64', 'vcpus=0' ] ]", "g.cfg:2:1: not supported yet: 'vnuma'")]
    [InlineData("vif = [ 'bridge=a,mac=zz' ]", "g.cfg:1:19: error: 'vif': mac: 'zz' is no address of six bytes, such as 00:16:3e:01:02:03")]
    [InlineData("vif = [ 'rate=fast' ]", "g.cfg:1:10: error: 'vif': rate: 'fast' is no rate, such as 10Mb/s or 250KB/s")]
    [InlineData("memory = 99999999999999999", "g.cfg:1:10: error: 'memory': 99999999999999999 is more than 8796093022207")]
    public void A_fault_is_named_with_its_place(string text, string expected)
    {
        Read(text + "\nname='g'\ntype='pvh'\nkernel='/k'"[..(text.StartsWith('#') ? 0 : ^0)], out IReadOnlyList<Diagnostic> diagnostics);
        Assert.Equal(expected.Split('\n'), diagnostics.Where(remark => !text.StartsWith('#') || remark.Position.Line > 0).Select(remark => remark.ToString()));
    }

    [Fact]
    public void All_faults_of_a_file_are_told_at_once()
    {
        Assert.Null(Read("type = 'xvm'\nmemory =\nvcpus = 4; maxvcpus = 2\ndisk = [ '/x' ]\nvif = [ 'type=token', 'rate=1' ]\non_crash = ''\n", out IReadOnlyList<Diagnostic> diagnostics));
        Assert.Equal([0, 0, 1, 2, 3, 4, 5, 5, 6], diagnostics.Where(remark => remark.Severity == Severity.Error).Select(remark => remark.Position.Line));
    }

    [Fact]
    public void A_setting_of_the_command_line_has_its_own_place()
    {
        DomainConfiguration.Parse("name='g'\nkernel='/k'\ntype='pvh'"u8, "g.cfg", ["memory=5", "extra=quiet"], null, out IReadOnlyList<Diagnostic> diagnostics);
        Assert.Equal(["<command line>:2:7: error: 'quiet' is no value: a string needs quotes"], diagnostics.Select(remark => remark.ToString()));
    }

    [Fact]
    public void What_is_not_supported_yet_keeps_a_domain_from_being_built_and_can_be_shown()
    {
        DomainConfiguration? configuration = Read("name='g'\ntype='pvh'\nkernel='/k'\nvtpm=['backend=t']\n", out IReadOnlyList<Diagnostic> diagnostics);
        Assert.NotNull(configuration);
        Assert.False(DomainConfiguration.CanBeBuilt(diagnostics));
        Assert.Contains("\"vtpms\"", configuration.ToJson());
        Read("name='g'\ntype='pvh'\nkernel='/k'\nvtpm=[]\nvpmu=0\n", out diagnostics);
        Assert.Empty(diagnostics);
    }

    [Fact]
    public void A_guest_type_that_cannot_be_built_is_named()
    {
        Read("name='g'\nkernel='/k'\n", out IReadOnlyList<Diagnostic> diagnostics);
        Assert.Equal(["g.cfg: not supported yet: PV guests, which a file without 'type' asks for"], diagnostics.Select(remark => remark.ToString()));
    }

    [Fact]
    public void A_list_cannot_be_deep_enough_to_end_the_process()
    {
        Assert.Null(Read("x = " + new string('[', 1_000_000), out IReadOnlyList<Diagnostic> diagnostics));
        Assert.Contains(diagnostics, remark => remark.Message == "lists within lists, too deep");
    }

    [Fact]
    public void A_missing_file_is_an_exception_and_a_missing_file_of_the_host_is_not()
    {
        Assert.Throws<FileNotFoundException>(() => DomainConfiguration.Load("/nowhere.cfg", null, null, out _));
        Assert.Equal(GlobalConfiguration.Default, GlobalConfiguration.Load("/nowhere.conf", null, out IReadOnlyList<Diagnostic> diagnostics));
        Assert.Equal(Severity.Warning, Assert.Single(diagnostics).Severity);
    }

    [Theory]
    [InlineData("console=com1", true)]
    [InlineData("dom0_mem=512M console=com1", false)]
    [InlineData("console=com1 dom0_mem=max:2G,min:1G", false)]
    [InlineData("dom0_mem=1G+25%", false)]
    [InlineData("dom0_mem=much", true)]
    public void Dom0_gives_up_memory_unless_the_hypervisor_was_told_how_much_it_has(string commandLine, bool expected) =>
        Assert.Equal(expected, GlobalConfiguration.Default.Balloons(() => commandLine));

    private static DomainConfiguration? Read(string text, out IReadOnlyList<Diagnostic> diagnostics) =>
        DomainConfiguration.Parse(Encoding.UTF8.GetBytes(text), "g.cfg", null, new ConfigurationContext { Host = HostTopology.SingleNode(2) }, out diagnostics);
}
