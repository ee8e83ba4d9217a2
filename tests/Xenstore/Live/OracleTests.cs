// SPDX-License-Identifier: MIT
// The same requests to ours and to Debian's daemons, and Debian's clients against all three. Accepted differences are listed in docs/CAVEATS.md.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Tests.Xenstore.Model;
using Xunit;

namespace XenSharp.Tests.Xenstore.Live;

[Trait("Level", "long")]
public sealed class OracleTests(Oracles oracles) : IClassFixture<Oracles>
{
    private static readonly (XenstoreMessageType Type, string Payload)[] s_oddities =
    [
        (XenstoreMessageType.Read, "/a/|"), (XenstoreMessageType.Read, "|"), (XenstoreMessageType.Read, "/a"), (XenstoreMessageType.Read, "//|"),
        (XenstoreMessageType.Read, "relative|"), (XenstoreMessageType.Write, "relative/x|1"), (XenstoreMessageType.Read, "/local/domain/0/relative/x|"),
        (XenstoreMessageType.Write, "/bin|a|b|c"), (XenstoreMessageType.Read, "/bin|"), (XenstoreMessageType.Rm, "/|"), (XenstoreMessageType.Rm, "/none|"),
        (XenstoreMessageType.Rm, "/none/deeper|"), (XenstoreMessageType.Mkdir, "/tool|"), (XenstoreMessageType.GetPerms, "/|"), (XenstoreMessageType.SetPerms, "/tool|"),
        (XenstoreMessageType.SetPerms, "/tool|x0|"), (XenstoreMessageType.SetPerms, "/tool|n0|r1|b2|w3|"), (XenstoreMessageType.GetPerms, "/tool|"),
        (XenstoreMessageType.TransactionEnd, "T|"), (XenstoreMessageType.GetDomainPath, "7|"), (XenstoreMessageType.IsDomainIntroduced, "77|"),
        (XenstoreMessageType.Unwatch, "/none|t|"), (XenstoreMessageType.Watch, "/w|t|"), (XenstoreMessageType.Watch, "/w|t|"), (XenstoreMessageType.Watch, "/w|"),
        (XenstoreMessageType.Unwatch, "/w|t|"), (XenstoreMessageType.Release, "0|"), (XenstoreMessageType.DirectoryPart, "/tool|0|"),
        (XenstoreMessageType.DirectoryPart, "/tool|"), (XenstoreMessageType.ResetWatches, "|"), ((XenstoreMessageType)20, "|"), ((XenstoreMessageType)23, "|"),
        (XenstoreMessageType.WatchEvent, "/a|t|"), (XenstoreMessageType.Control, "nothing|"), (XenstoreMessageType.Control, "quota|set|nodes|0|"),
    ];

    [Theory]
    [InlineData("C")]
    [InlineData("OCaml")]
    public void RandomRequestsAreAnsweredAlike(string which)
    {
        using DaemonProcess daemon = new();
        using WireClient ours = new(daemon.SocketPath);
        using WireClient theirs = new(which == "C" ? oracles.C : oracles.OCaml);
        List<string> differences = [];
        RandomRequests requests = new(4711);
        uint ourTransaction = 0;
        uint theirTransaction = 0;
        for (int step = 0; step < 4000; step++)
        {
            (XenstoreMessageType type, string payload) = step < s_oddities.Length ? s_oddities[step] : requests.Make();
            if (step > s_oddities.Length && requests.Next(15) == 0)
            {
                if (ourTransaction == 0)
                {
                    ourTransaction = uint.Parse(ours.Ask(XenstoreMessageType.TransactionStart, "|").TrimEnd('|'));
                    theirTransaction = uint.Parse(theirs.Ask(XenstoreMessageType.TransactionStart, "|").TrimEnd('|'));
                }
                else
                {
                    string end = requests.Next(3) > 0 ? "T|" : "F|";
                    Compare(XenstoreMessageType.TransactionEnd, end, ourTransaction, theirTransaction);
                    ourTransaction = theirTransaction = 0;
                }
            }
            Compare(type, payload, ourTransaction, theirTransaction);
        }
        Assert.True(differences.Count == 0, $"{differences.Count} differences:\n{string.Join('\n', differences.Take(40))}");

        void Compare(XenstoreMessageType type, string payload, uint ourId, uint theirId)
        {
            string left = Plain(type, ours.Ask(type, payload, ourId));
            string right = Plain(type, theirs.Ask(type, payload, theirId));
            if (left != right && !IsAccepted(which, type, payload, left, right))
                differences.Add($"{type} {payload}: ours {left}, {which}'s {right}");
        }
    }

    [Fact]
    public void DebiansClientsCannotTell()
    {
        using DaemonProcess daemon = new();
        foreach ((string program, string[] arguments) in (ReadOnlySpan<(string, string[])>)
        [
            ("xenstore-write", ["/t/a", "1", "/t/b/c", "two\\x20words\\\\"]), ("xenstore-read", ["/t/a"]), ("xenstore-read", ["-p", "/t/a", "/t/b/c"]),
            ("xenstore-read", ["/t/none"]), ("xenstore-list", ["/t"]), ("xenstore-list", ["-p", "/t"]), ("xenstore-exists", ["/t/b"]), ("xenstore-exists", ["/t/x"]),
            ("xenstore-chmod", ["/t/b", "n0", "r1", "b2"]), ("xenstore-chmod", ["-r", "/t", "r0"]), ("xenstore-ls", ["/t"]), ("xenstore-ls", ["-f", "/t"]),
            ("xenstore-ls", ["-f", "-p", "/t"]), ("xenstore-ls", ["-p", "/t"]), ("xenstore-write", ["/t/long", new string('v', 200)]), ("xenstore-ls", ["/t"]),
            ("xenstore-rm", ["/t/b"]), ("xenstore-rm", ["-t", "/t/none/deep"]), ("xenstore-watch", ["-n", "1", "/t"]), ("xenstore-rm", ["/t"]),
        ])
        {
            string expected = oracles.RunClient(oracles.C, program, arguments);
            Assert.Equal(expected, oracles.RunClient(daemon.SocketPath, program, arguments));
        }
    }

    /// <summary>Every test of xen-utils' test-xenstore, and its random requests; once more with the daemon killed again and again.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TheTestProgramOfXenUtilsPasses(bool isKilled)
    {
        using DaemonProcess daemon = new();
        Task<string> run = Task.Run(() => oracles.RunTestProgram(daemon.SocketPath, isKilled ? ["-r", "4"] : ["-i", "100"]));
        int kills = 0;
        while (isKilled && !run.IsCompleted)
        {
            using (WireClient probe = new(daemon.SocketPath))
                Assert.Equal("xenstored|", probe.Ask(XenstoreMessageType.Directory, "/tool|"));
            kills += daemon.KillDaemon() ? 1 : 0;
        }
        string output = await run;
        Assert.StartsWith("0\n", output, StringComparison.Ordinal);
        Assert.DoesNotContain("failed", output, StringComparison.Ordinal);
        Assert.Equal(isKilled ? 0 : 12, output.Split('\n').Count(line => line.Contains(':')));
        Assert.Equal(isKilled, kills > 3);
        Assert.StartsWith("0\n", isKilled ? output : oracles.RunTestProgram(daemon.SocketPath, ["-r", "2"]), StringComparison.Ordinal);
    }

    /// <summary>Our tools print what Debian's do, against the same daemon.</summary>
    [Fact]
    public void OurToolsPrintWhatDebiansDo()
    {
        using DaemonProcess daemon = new();
        foreach ((string mode, string[] arguments) in (ReadOnlySpan<(string, string[])>)
        [
            ("write", ["/t/a", "1", "/t/b/c", "two\\x20words\\\\"]), ("read", ["/t/a"]), ("read", ["-p", "/t/a", "/t/b/c"]), ("list", ["/t"]), ("list", ["-p", "/t"]),
            ("exists", ["/t/b"]), ("exists", ["/t/x"]), ("chmod", ["/t/b", "n0", "r1", "b2"]), ("ls", ["/t"]), ("ls", ["-f", "/t"]), ("ls", ["-f", "-p", "/t"]),
            ("ls", ["-p", "/t"]), ("write", ["/t/long", new string('v', 200)]), ("ls", ["/t"]), ("read", ["-R", "/t/b/c"]), ("watch", ["-n", "1", "/t"]), ("rm", ["-t", "/t/b/c"]),
            ("ls", ["/t"]), ("rm", ["/t"]),
        ])
        {
            ProcessStartInfo start = new("dotnet", [Path.Combine(AppContext.BaseDirectory, "xensharp-tools.dll"), $"xenstore-{mode}", .. arguments])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            start.Environment["XENSTORED_PATH"] = daemon.SocketPath;
            string ours = Oracles.Run(start);
            // Those that change are run by ours last, so that both find the same.
            if (mode is "rm" or "write" or "chmod")
                Assert.StartsWith("0\n", ours, StringComparison.Ordinal);
            else
                Assert.Equal(oracles.RunClient(daemon.SocketPath, "xenstore-" + mode, arguments), ours);
        }
    }

    /// <summary>
    /// The OCaml daemon has no DIRECTORY_PART, removes the root when told so, answers OK to any CONTROL; and shows 9223372036854775807 as the owner of
    /// what a socket makes below a node without one. The C daemon takes making a node as a change of what is above it.
    /// </summary>
    private static bool IsAccepted(string which, XenstoreMessageType type, string payload, string ours, string theirs) =>
        which == "C" ? type == XenstoreMessageType.TransactionEnd && ours == "OK|" && theirs == "EAGAIN"
            : type is XenstoreMessageType.DirectoryPart or XenstoreMessageType.Control || payload == "/|" || theirs.Contains("9223372036854775807");

    private static string Plain(XenstoreMessageType type, string answer) => type switch
    {
        // The order of children is not specified; generations are the daemon's own.
        XenstoreMessageType.Directory => string.Join('|', answer.Split('|').Order(StringComparer.Ordinal)),
        XenstoreMessageType.DirectoryPart when answer.Contains('|') => answer[answer.IndexOf('|')..],
        _ => answer,
    };
}
