// SPDX-License-Identifier: MIT
// Our console daemon and inspection tools in dom0, under Debian's xl and beside Debian's tools. Runs on ours and on real Xen.

using System;
using System.Linq;
using XenSharp.Lab.Ramdisk;
using Xunit;

namespace XenSharp.Tests.EndToEnd;

[Trait("Level", "long")]
public class ConsoleDaemonTests
{
    private const string Ours = ProgramsSegment.Folder;
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(20);

    [Fact]
    public void Guests_keep_their_consoles_when_the_daemon_is_killed()
    {
        string start = $"{Ours}/xenconsoled --pid-file=/run/xenconsoled.pid --log=all";
        string output = Run(
            $"kill $(cat /run/xenconsoled.pid); sleep 1; {start}; readlink /proc/$(cat /run/xenconsoled.pid)/exe",
            "xl create -q /guest/sample.cfg; says sample 'is up'",
            "xenstore-ls -p /local/domain/1/console | grep tty",
            "ask sample 'echo first $((6 * 7))'",
            $"kill -9 $(cat /run/xenconsoled.pid); sleep 1; {start}",
            "ask sample 'echo second $((6 * 7))'",
            $"(sleep 5; echo 'echo third $((6 * 7))'; sleep 5; printf '\\035') | {Ours}/xenconsole --interactive 1 | grep '^third'",
            $"{Ours}/xenconsoled --pid-file=/run/xenconsoled.pid",
            "[ $(wc -l < /var/log/xen/console/hypervisor.log) -gt 20 ] && echo logged",
            "xl destroy sample; gone sample; sleep 2; ls /dev/pts");
        Assert.Contains($"{Ours}/xensharp-tools\n", output);
        Assert.Contains("(n0,r1)\n", output);
        foreach (string said in (string[])["first 42", "second 42", "third 42", "logged"])
            Assert.Contains($"\n{said}", output.Replace("\r", ""));
        Assert.Contains("-- status 1\n", output[output.IndexOf($"== {Ours}/xenconsoled", StringComparison.Ordinal)..]);
        Assert.DoesNotContain("\n0\n", output[output.IndexOf("== xl destroy", StringComparison.Ordinal)..]);
    }

    [Fact]
    public void Inspection_prints_what_debians_tools_print()
    {
        string[] calls =
        [
            "xenctx 1", "xenctx -a -S -D -t -l 3 1", "xenctx -C -b 16 1", "xenctx -m 0x100000 1", "xenctx 1 7", "lsevtchn 1", "lsevtchn 0", "xen-cpuid info", "xen-cpuid detail", "xen-cpuid -p 1",
            "xenhypfs ls /params", "xenhypfs tree", "xenhypfs cat /params/loglvl", "xenhypfs cat /nonsense", "xentop -b -i 1 -v -n -x",
        ];
        string output = Run(
        [
            "xl create -q -p /guest/idle.cfg; xl unpause idle; says idle 'kernel is up'; xl pause idle",
            // The time that passes between two calls is no difference.
            .. calls.Select(call => Both($"{call} 2>&1 | sed -E 's/^( *Domain-0 ......) +[0-9]+/\\1 N/; s/( 0:) +[0-9]+s/\\1 Ns/'")),
            // Where there is no PV, the library adds words of its own on standard error.
            Both("xen-cpuid -p"),
            Both("xen-hvmctx 1 | grep -v '^  *tsc ' | grep -vE '0x(380|390)'"),
            "xl destroy idle",
        ]);
        Assert.True(output.Split('\n').Count(line => line == "same") == calls.Length + 2, output);
    }

    private static string Both(string call) => $"for f in {Ours} /usr/sbin; do $f/{call} > /tmp/$(basename $f); done; cmp /tmp/bin /tmp/sbin && echo same || diff /tmp/bin /tmp/sbin";

    private static string Run(params string[] steps) => GuestMachine.RunScript(steps, s_limit, extra: [ProgramsSegment.Archive(isFirst: false)]);
}
