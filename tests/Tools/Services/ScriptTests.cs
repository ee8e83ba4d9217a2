// SPDX-License-Identifier: MIT
// The init scripts of dom0/Services in a folder of their own, with programs that only note how they were called.

using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using Xunit;

namespace XenSharp.Tests.Tools.Services;

public sealed class ScriptTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("xensvc").FullName;

    public ScriptTests()
    {
        Write("sys/hypervisor/type", "xen\n");
        Write("proc/xen/capabilities", "control_d\n");
        Program("usr/lib/xensharp/bin/xensharp-xenstored", Daemon("xenstored"));
        Program("usr/lib/xensharp/bin/xenconsoled", Daemon("xenconsoled"));
        Program("usr/lib/xensharp/bin/xenstore-read", "exit 0");
        Program("usr/lib/xensharp/bin/xenstore-write", "echo \"xenstore-write $*\" >> $XEN_PREFIX/calls");
        // A machine of files: one for each domain, its name in it.
        Program("usr/lib/xensharp/bin/xl", """
            cd $XEN_PREFIX
            case $1 in
            list) echo "Name ID Mem VCPUs State Time(s)"; echo "Domain-0 0 512 1 r----- 1.0"; for d in domains/*; do [ -f $d ] && echo "$(cat $d) ${d#domains/} 64 1 -b---- 0.1"; done ;;
            domid) grep -qx "$2" domains/* 2> /dev/null; exit $? ;;
            domname) cat domains/$2 ;;
            create) echo "$*" >> calls; grep -q broken "$3" && { echo "xl: no kernel" >&2; exit 1; }; sed -n 's/^name = "\(.*\)"/\1/p' "$3" > domains/$(($(ls domains | wc -l) + 1)) ;;
            shutdown) echo "$*" >> calls; [ -e stubborn ] || rm domains/$2 ;;
            save) echo "$*" >> calls; [ -e can-save ] || { echo "xl save: streams of saved guests cannot be written yet" >&2; exit 1; }; mv domains/$2 "$3" ;;
            *) echo "$*" >> calls ;;
            esac
            exit 0
            """);
        Directory.CreateDirectory(Path.Combine(_root, "domains"));
    }

    private string Calls => File.Exists(Path.Combine(_root, "calls")) ? File.ReadAllText(Path.Combine(_root, "calls")).Replace(_root, "") : "";

    public void Dispose()
    {
        foreach (string file in Directory.Exists(Path.Combine(_root, "run")) ? Directory.GetFiles(Path.Combine(_root, "run"), "*.pid") : [])
            XenSharp.Interop.Processes.Signal(int.Parse(File.ReadAllText(file)), XenSharp.Interop.Processes.Kill);
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public void TheDaemonsStartOnceAndStop()
    {
        Write("etc/default/xen", "XENSTORED_ARGS='-E 5'\nXENCONSOLED_ARGS=--timestamp=all\nXENCONSOLED_TRACE=guest\n");
        Assert.Equal((0, ""), Run("xen", "start"));
        Assert.Equal(
            """
            xenstored -E 5 --pid-file /run/xenstore.pid
            xenstore-write /local/domain/0/name Domain-0 /local/domain/0/domid 0
            xenconsoled --log=guest --timestamp=all --pid-file=/run/xenconsoled.pid

            """, Calls);
        string store = File.ReadAllText(Path.Combine(_root, "run/xenstore.pid"));
        (int status, string text) = Run("xen", "status");
        Assert.Equal(0, status);
        Assert.StartsWith($"xenstored runs (process {store.Trim()})\nxenconsoled runs", text);
        Assert.Equal((0, ""), Run("xen", "start"));
        Assert.Equal(3, Calls.Split('\n').Length - 1);
        Assert.Equal((0, ""), Run("xen", "stop"));
        Assert.Equal((3, $"xenstored runs (process {store.Trim()})\nxenconsoled does not run\n"), Run("xen", "status"));
        Assert.Equal((0, ""), Run("xen", "restart"));
        Assert.Equal(store, File.ReadAllText(Path.Combine(_root, "run/xenstore.pid")));
    }

    [Fact]
    public void InstallPutsEverythingInItsPlace()
    {
        Program("out/xensharp-tools", """
            case "$*" in
            --names) printf 'xl\nxenconsole\n' ;;
            "xl help --completion") echo completion ;;
            "xl help --manual") echo manual ;;
            *) exit 3 ;;
            esac
            """);
        Program("out/xensharp-xenstored", "exit 0");
        Write("etc/default/xen", "MINE=1\n");
        string install = Path.Combine(Source, "install");
        Assert.Equal((1, $"install: {_root}/out/none is no program\n"), Call(install, $"{_root}/out/none"));
        for (int time = 0; time < 2; time++)
            Assert.Equal((0, ""), Call(install, "-s", $"{_root}/out/xensharp-tools", $"{_root}/out/xensharp-xenstored"));
        string bin = Path.Combine(_root, "usr/lib/xensharp/bin");
        Assert.Equal("xensharp-tools", new FileInfo(Path.Combine(bin, "xenconsole")).LinkTarget);
        Assert.True(File.Exists(Path.Combine(bin, "xensharp-xenstored")));
        Assert.Equal("completion\n", File.ReadAllText(Path.Combine(_root, "usr/share/bash-completion/completions/xl")));
        Assert.Equal("manual\n", File.ReadAllText(Path.Combine(_root, "usr/share/man/man1/xl.1")));
        Assert.Equal("MINE=1\n", File.ReadAllText(Path.Combine(_root, "etc/default/xen")));
        Assert.True((File.GetUnixFileMode(Path.Combine(_root, "etc/init.d/xendomains")) & UnixFileMode.UserExecute) != 0);
        Assert.True(File.Exists(Path.Combine(_root, "usr/lib/systemd/system/xenconsoled.service")));
        Assert.True(File.Exists(Path.Combine(_root, "etc/default/xendomains")));
    }

    [Fact]
    public void AnotherDaemonIsTakenWhenItIsNamed()
    {
        Program("opt/oxenstored", Daemon("oxenstored"));
        Write("etc/default/xen", $"XENSTORED={_root}/opt/oxenstored\n");
        Assert.Equal((0, ""), Run("xen", "start"));
        Assert.StartsWith("oxenstored --pid-file", Calls);
    }

    [Fact]
    public void WithoutAStoreNothingStarts()
    {
        File.Delete(Path.Combine(_root, "usr/lib/xensharp/bin/xensharp-xenstored"));
        Assert.Equal((1, "xen: there is no xenstore daemon; set XENSTORED in /etc/default/xen\n"), Run("xen", "start"));
        Assert.Equal("", Calls);
    }

    [Theory]
    [InlineData("sys/hypervisor/type", "kvm\n")]
    [InlineData("proc/xen/capabilities", "")]
    public void ElsewhereThanInDom0NothingIsDone(string file, string text)
    {
        Write(file, text);
        Assert.Equal((0, ""), Run("xen", "start"));
        Assert.Equal("", Calls);
    }

    [Fact]
    public void GuestsOfTheFolderAreCreated()
    {
        Write("etc/xen/auto/a.cfg", "name = \"alpha\"\n");
        Write("etc/xen/auto/b.cfg", "# name = \"no\"\nname = 'beta two'\n");
        Write("etc/xen/auto/c.cfg", "name = \"gamma\"\nbroken\n");
        Write("etc/xen/auto/d.cfg", "memory = 5\n");
        Write("domains/9", "beta two\n");
        Assert.Equal((1,
            $"""
            xendomains: alpha created
            xendomains: beta two runs already
            xendomains: gamma was not created from {_root}/etc/xen/auto/c.cfg: xl: no kernel
            xendomains: {_root}/etc/xen/auto/d.cfg gives no name; nothing was created

            """), Run("xendomains", "start"));
        Assert.Equal("create --quiet /etc/xen/auto/a.cfg\ncreate --quiet /etc/xen/auto/c.cfg\n", Calls);
    }

    [Fact]
    public void GuestsAreShutDownAndWhyTheyAreNotSavedIsSaid()
    {
        Write("etc/default/xendomains", $"XENDOMAINS_SAVE={_root}/save\n");
        Write("domains/1", "alpha\n");
        Write("domains/2", "beta two\n");
        Assert.Equal((0,
            """
            xendomains: alpha is shut down instead of saved: xl save: streams of saved guests cannot be written yet
            xendomains: beta two is shut down instead of saved: xl save: streams of saved guests cannot be written yet

            """), Run("xendomains", "stop"));
        Assert.Equal("save 1 /save/alpha\nsave 2 /save/beta two\nshutdown 1\nshutdown 2\n", Calls);
        Assert.Empty(Directory.GetFiles(Path.Combine(_root, "domains")));
    }

    [Fact]
    public void GuestsThatCanBeSavedAreRestored()
    {
        Write("can-save", "");
        Write("etc/default/xendomains", $"XENDOMAINS_SAVE={_root}/save\nXENDOMAINS_RESTORE=true\nXENDOMAINS_AUTO=\n");
        Write("domains/1", "alpha\n");
        Assert.Equal((0, "xendomains: alpha saved\n"), Run("xendomains", "stop"));
        Assert.Equal((0, "xendomains: alpha restored\n"), Run("xendomains", "start"));
        Assert.Equal("save 1 /save/alpha\nrestore /save/alpha\n", Calls);
        Assert.Empty(Directory.GetFiles(Path.Combine(_root, "save")));
    }

    [Fact]
    public void AGuestThatDoesNotEndIsNamed()
    {
        Write("stubborn", "");
        Write("etc/default/xendomains", "XENDOMAINS_STOP_MAXWAIT=1\n");
        Write("domains/1", "alpha\n");
        Assert.Equal((1, "xendomains: alpha still runs after 1 seconds\n"), Run("xendomains", "stop"));
    }

    [Fact]
    public void UnitsNameScriptsAndSettingsThatAreHere()
    {
        string folder = Path.Combine(Source, "systemd");
        foreach (string file in Directory.GetFiles(folder, "*.service"))
        {
            string[] lines = File.ReadAllLines(file);
            string[] needed = lines.Where(line => line.StartsWith("Requires=", StringComparison.Ordinal)).SelectMany(line => line["Requires=".Length..].Split(' ')).ToArray();
            Assert.All(needed, unit => Assert.True(File.Exists(Path.Combine(folder, unit)), unit));
            Assert.Contains("[Install]", lines);
            Assert.All(lines.Where(line => line.Contains("/etc/init.d/")), line => Assert.True(File.Exists(Path.Combine(Source, "init.d", line.Split("/etc/init.d/")[1].Split(' ')[0]))));
        }
    }

    private static string Source
    {
        get
        {
            string folder = AppContext.BaseDirectory;
            while (!File.Exists(Path.Combine(folder, "XenSharp.slnx")))
                folder = Path.GetDirectoryName(folder)!;
            return Path.Combine(folder, "dom0", "Services");
        }
    }

    private static string Daemon(string name) => $"""
        echo "{name} $*" >> $XEN_PREFIX/calls
        for word; do file=$word; done
        sleep 1000 > /dev/null 2>&1 < /dev/null &
        echo $! > ${"{file#--pid-file=}"}
        """;

    private (int Status, string Text) Run(string script, string action) => Call(Path.Combine(Source, "init.d", script), action);

    private (int Status, string Text) Call(string script, params string[] words)
    {
        ProcessStartInfo start = new("sh", [script, .. words]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["XEN_PREFIX"] = _root;
        using Process process = Process.Start(start)!;
        string text = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, text);
    }

    private void Write(string path, string text)
    {
        string full = Path.Combine(_root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }

    private void Program(string path, string text)
    {
        Write(path, $"#!/bin/sh\n{text}\n");
        File.SetUnixFileMode(Path.Combine(_root, path), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
