// SPDX-License-Identifier: MIT
// Logs: their form, their names, their rotation.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using XenSharp.Consoled;
using Xunit;

namespace XenSharp.Tests.Tools.Consoled;

public sealed class LogFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xenlog").FullName;
    private readonly List<string> _reports = [];

    private string LogPath => Path.Combine(_folder, "guest-a.log");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void LinesHaveTheirTimes()
    {
        using (LogFile log = Open(new LogSettings(true, false, 0, 0)))
        {
            log.Append("one\n\r\rtw"u8);
            log.Append("o\r\nthree"u8);
        }
        Assert.Equal("[2026-02-03 04:05:06] one\n[2026-02-03 04:05:06] two\r\n[2026-02-03 04:05:06] three", string.Join('\n', File.ReadAllText(LogPath).Split('\n')[1..]));
        Assert.Matches(@"^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] Logfile Opened\n", File.ReadAllText(LogPath));
    }

    [Fact]
    public void EscapesBecomeDots()
    {
        using (LogFile log = Open(new LogSettings(false, true, 0, 0)))
            log.Append("\e[31mred\e[0m\n"u8);
        Assert.Equal(".[31mred.[0m\n", File.ReadAllText(LogPath));
    }

    [Fact]
    public void AFullLogIsRenamedAndTheOldestIsForgotten()
    {
        using (LogFile log = Open(new LogSettings(false, false, 100, 2)))
        {
            for (int number = 0; number < 40; number++)
                log.Append(Encoding.ASCII.GetBytes($"line {number:D4}\n"));
        }
        Assert.Equal(["guest-a.log", "guest-a.log.1", "guest-a.log.2"], Directory.GetFiles(_folder).Select(Path.GetFileName).Order());
        string[] lines = [.. File.ReadAllLines(LogPath + ".2"), .. File.ReadAllLines(LogPath + ".1"), .. File.ReadAllLines(LogPath)];
        Assert.Equal(Enumerable.Range(10, 30).Select(number => $"line {number:D4}"), lines);
    }

    [Fact]
    public void ALogThatWasRenamedIsReopened()
    {
        using LogFile log = Open(new LogSettings(false, false, 0, 0));
        log.Append("old\n"u8);
        File.Move(LogPath, LogPath + ".old");
        log.Append("still old\n"u8);
        log.Reopen();
        log.Append("new\n"u8);
        Assert.Equal("old\nstill old\n", File.ReadAllText(LogPath + ".old"));
        Assert.Equal("new\n", File.ReadAllText(LogPath));
    }

    [Fact]
    public void ALogThatWasCutGoesOnAtItsEnd()
    {
        using LogFile log = Open(new LogSettings(false, false, 0, 0));
        log.Append("before\n"u8);
        using (FileStream cut = new(LogPath, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            cut.SetLength(0);
        log.Append("after\n"u8);
        Assert.Equal("after\n", File.ReadAllText(LogPath));
    }

    [Fact]
    public void ALogThatCannotBeOpenedIsReported()
    {
        File.WriteAllText(Path.Combine(_folder, "file"), "");
        using LogFile log = new(Path.Combine(_folder, "file", "guest-a.log"), new LogSettings(false, false, 0, 0), _reports.Add);
        log.Append("lost"u8);
        Assert.Single(_reports);
    }

    [Theory]
    [InlineData("web", 0, "/logs/guest-web.log")]
    [InlineData("web", 2, "/logs/guest-web-console2.log")]
    [InlineData("../../etc/passwd", 0, "/logs/guest-.._.._etc_passwd.log")]
    public void NamesStayInTheFolder(string name, int number, string path) => Assert.Equal(path, LogFile.GuestPath("/logs", name, number));

    private LogFile Open(LogSettings settings) => new(LogPath, settings, _reports.Add) { Now = () => new DateTime(2026, 2, 3, 4, 5, 6) };
}
