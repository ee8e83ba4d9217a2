// SPDX-License-Identifier: MIT
// The daemon's options as getopt_long reads them for Xen's xenstored, and what the keeper hands on to the daemon.

using System;
using XenSharp.Xenstored;
using Xunit;

namespace XenSharp.Tests.Xenstore.Live;

public class ArgumentsTests
{
    [Fact]
    public void LettersAreBundledAndNamesShortened()
    {
        Arguments line = Arguments.Parse(["-NDP", "--pid", "/run/p", "-E7", "--quota-soft=memory=5", "--trace-file", "/tmp/t", "--state-dir=/s", "-I"]);
        Assert.True(line.IsForeground && line.HasNoXen && line.PrintsPid);
        Assert.Equal("/run/p", line.PidFile);
        Assert.Equal("/tmp/t", line.TraceFile);
        Assert.Equal("/s", line.StateFolder);
        Assert.Equal(5, line.SoftMemory);
        Assert.Equal(7, Assert.Single(line.Quotas).Item2);
        Assert.Equal(["-D", "-E7", "--quota-soft=memory=5", "--trace-file=/tmp/t"], line.Forwarded);
        Assert.Equal(line.Forwarded, Arguments.Parse([.. line.Forwarded]).Forwarded);
    }

    [Theory]
    [InlineData("--nonsense", "unrecognized option '--nonsense'")]
    [InlineData("-F", "option requires an argument -- 'F'")]
    [InlineData("-D7", "invalid option -- '7'")]
    [InlineData("word", "word is no option.")]
    [InlineData("-Efive", "invalid parameter value \"five\"")]
    [InlineData("-Qfoo=1", "unknown quota \"foo\"")]
    public void WhatIsWrongIsNamed(string argument, string message) =>
        Assert.Equal(message, Assert.ThrowsAny<FormatException>(() => Arguments.Parse([argument])).Message);
}
