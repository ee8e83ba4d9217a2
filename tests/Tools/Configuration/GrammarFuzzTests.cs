// SPDX-License-Identifier: MIT
// Any bytes at all: reading ends, throws nothing, points into the file, and what it takes keeps its meaning through JSON.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Xunit;
using XenSharp.Configuration;

namespace XenSharp.Tests.Tools.Configuration;

public sealed class GrammarFuzzTests
{
    private static readonly string[] Pieces =
    [
        "=", "+=", "[", "]", ",", ";", "\n", "\r\n", "#", "\"", "'", "\\", "\\n", " ", "\t", "0", "-1", "0x10", "99999999999999999999", "name", "type", "vif", "disk", "cpus",
        "'pvh'", "'/x,raw,xvda'", "[[", "]]", "\0", "é", "True", "^0", "node:", "all", "@", ":", "*", "%", "=,=", "host,", "03:00.0", "rate=1Mb/s@", "mac=",
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Broken_files_are_read_without_harm(int seed)
    {
        var random = new Random(seed);
        byte[][] corpus = [.. Directory.EnumerateFiles(Path.Combine(ConfigurationRecord.Folder, "domains"), "*.cfg", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];
        for (int i = 0; i < 1500; i++) Check(Break(corpus, random));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Words_in_any_order_are_read_without_harm(int seed)
    {
        var random = new Random(seed);
        for (int i = 0; i < 1500; i++)
        {
            var text = new StringBuilder();
            for (int words = random.Next(60); words > 0; words--) text.Append(Pieces[random.Next(Pieces.Length)]);
            Check(Encoding.UTF8.GetBytes(text.ToString()));
        }
    }

    private static byte[] Break(byte[][] corpus, Random random)
    {
        List<byte> bytes = [.. corpus[random.Next(corpus.Length)]];
        if (bytes.Count > 2000) bytes.RemoveRange(2000, bytes.Count - 2000);
        for (int changes = random.Next(1, 6); changes > 0; changes--)
        {
            int at = random.Next(bytes.Count + 1);
            switch (random.Next(5))
            {
                case 0 when at < bytes.Count: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes.RemoveRange(at, Math.Min(random.Next(8), bytes.Count - at)); break;
                case 2: bytes.InsertRange(at, Encoding.UTF8.GetBytes(Pieces[random.Next(Pieces.Length)])); break;
                case 3: bytes.InsertRange(at, corpus[random.Next(corpus.Length)].Take(random.Next(200))); break;
                default: bytes.RemoveRange(at, bytes.Count - at); break;
            }
        }
        return [.. bytes];
    }

    private static void Check(byte[] content)
    {
        string[] overrides = content.Length % 7 == 0 ? ["memory=5", "x=["] : [];
        DomainConfiguration? configuration = DomainConfiguration.Parse(content, "f", overrides, null, out IReadOnlyList<Diagnostic> diagnostics);
        int lines = content.Count(letter => letter == '\n') + 1;
        Assert.All(diagnostics, remark => Assert.InRange(remark.Position.Line, 0, remark.Position.File == "f" ? lines : overrides.Length + 1));
        Assert.Equal(configuration is null, diagnostics.Any(remark => remark.Severity == Severity.Error));
        if (configuration is not null)
        {
            string json = configuration.ToJson();
            Assert.Equal(json, DomainConfiguration.FromJson(Encoding.UTF8.GetBytes(json)).ToJson());
        }
        GlobalConfiguration.Parse(content, "f", null, out _);
        CpupoolConfiguration.Parse(content, "f", null, HostTopology.SingleNode(4), null, out _);
    }
}
