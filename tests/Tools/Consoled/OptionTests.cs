// SPDX-License-Identifier: MIT
// Options as Xen's console programs take them.

using System;
using System.Linq;
using XenSharp.CommandLine;
using XenSharp.Consoled;
using Xunit;

namespace XenSharp.Tests.Tools.Consoled;

public sealed class OptionTests
{
    [Fact]
    public void DebiansCommandLineIsUnderstood()
    {
        DaemonOptions options = DaemonOptions.Parse(["--pid-file=/run/x.pid", "--log=all", "--log-dir", "/l", "-tguest", "-o", "keep", "--replace-escape", "-vi"]);
        Assert.Equal("/run/x.pid", options.PidFile);
        Assert.Equal("/l", options.LogFolder);
        Assert.True(options is { LogsGuests: true, LogsHypervisor: true, StampsGuests: true, StampsHypervisor: false });
        Assert.True(options is { DiscardsOverflow: false, ReplacesEscape: true, IsVerbose: true, IsInteractive: true });
    }

    [Fact]
    public void WithoutOptionsNothingIsLogged()
    {
        DaemonOptions options = DaemonOptions.Parse([]);
        Assert.True(options is { LogsGuests: false, LogsHypervisor: false, StampsGuests: false, DiscardsOverflow: true, MaxLogSize: 0 });
        Assert.Equal("/var/log/xen/console", options.LogFolder);
        Assert.Equal("/var/run/xen/xenconsoled.pid", options.PidFile);
    }

    [Theory]
    [InlineData("4096", 4096L)]
    [InlineData("10M", 10L << 20)]
    [InlineData("2g", 2L << 30)]
    public void SizesHaveUnits(string text, long size) => Assert.Equal(size, DaemonOptions.Parse([$"--log-max-size={text}"]).MaxLogSize);

    [Theory]
    [InlineData("--log-max-size=many", "'many' is no size")]
    [InlineData("--nonsense", "unrecognized option '--nonsense'")]
    [InlineData("-x", "invalid option -- 'x'")]
    [InlineData("--log", "option '--log' requires an argument")]
    [InlineData("--verbose=1", "option '--verbose' doesn't allow an argument")]
    [InlineData("--ver", "option '--ver' is ambiguous")]
    public void WhatIsWrongIsSaid(string argument, string message) =>
        Assert.Equal(message, Assert.ThrowsAny<FormatException>(() => DaemonOptions.Parse([argument])).Message);

    [Fact]
    public void WordsMayStandAnywhere()
    {
        GetOptions options = new("hn:p::", ["num=n", "policy?p"]);
        var found = options.Parse(["7", "-n", "3", "-p", "8", "--", "-h"], out var words);
        Assert.Equal([('n', "3"), ('p', "")], found);
        Assert.Equal(["7", "8", "-h"], words);
        Assert.Equal([('p', "5"), ('p', "6"), ('n', "1")], options.Parse(["-p5", "--policy=6", "--nu", "1"], out _).Select(pair => pair));
    }
}
