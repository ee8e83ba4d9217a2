// SPDX-License-Identifier: MIT
// xen-cpuid's forms: what Xen 4.17's prints for the same numbers.

using System.IO;
using System.Linq;
using XenSharp.Abi;
using XenSharp.Control;
using XenSharp.Inspection;
using Xunit;

namespace XenSharp.Tests.Tools.Inspection;

public sealed class FeatureTests
{
    private readonly StringWriter _output = new();
    private readonly StringWriter _errors = new();

    [Fact]
    public void ASetIsInterpretedBitByBit()
    {
        CpuidTool.Interpret("00000003:80000001:00000400", _output, _errors);
        Assert.Equal(
            """
            Raw                             00000003:80000001:00000400
              [00] CPUID 0x00000001.edx     fpu vme
              [01] CPUID 0x00000001.ecx     sse3 hyper
              [02] CPUID 0x80000001.edx     <10>

            """, _output.ToString());
        Assert.Equal("", _errors.ToString());
    }

    [Theory]
    [InlineData("zebra", "'zebra' unrecognized - skipping\n", "")]
    [InlineData("1:x", "'x' unrecognized - ignoring\n", "Raw                             00000001\n  [00] CPUID 0x00000001.edx     fpu\n")]
    public void WhatIsNoSetIsSaid(string text, string errors, string output)
    {
        CpuidTool.Interpret(text, _output, _errors);
        Assert.Equal(errors, _errors.ToString());
        Assert.Equal(output, _output.ToString());
    }

    [Fact]
    public void SetsComeInXensOrder()
    {
        CpuidTool.PrintSets(index => index == 2 ? null : [(uint)index, 7], isDetailed: false, _output);
        string[] lines = _output.ToString().Split('\n');
        Assert.Equal("nr_features: 2", lines[0]);
        Assert.StartsWith("                            KEY 1d       1c       e1d      e1c      Da1      7b0      7c0      e7d      e8b      7d0      7a1      e21a     7b1      ", lines[1]);
        Assert.Equal("Known                           bfebfbff:fffef3ff", lines[4]);
        Assert.Equal("HVM Hap Default                 1fcbfbff:f7fa3203", lines[11]);
        Assert.Equal(
            ["Dynamic sets:", "Raw                             00000000:00000007", "Host                            00000001:00000007", "PV Default featureset not supported by Xen",
                "HVM Default                     00000003:00000007", "PV Max                          00000004:00000007", "HVM Max                         00000005:00000007", ""],
            lines[13..]);
    }

    [Fact]
    public void APolicyLeavesEmptyLeavesOut()
    {
        CpuPolicy policy = new([new CpuidLeaf { Leaf = 1, Subleaf = uint.MaxValue, A = 1, B = 2, C = 3, D = 0xABCDEF }, new CpuidLeaf { Leaf = 2 }], [new MsrEntry { Index = 0xCE, Value = 5 }]);
        CpuidTool.PrintPolicy("Domain 7", policy, _output);
        Assert.Equal(
            """
            Domain 7 policy: 2 leaves, 1 MSRs
             CPUID:
              leaf     subleaf  -> eax      ebx      ecx      edx     
              00000001:ffffffff -> 00000001:00000002:00000003:00abcdef
             MSRs:
              index    -> value           
              000000ce -> 0000000000000005

            """, _output.ToString());
    }

    [Fact]
    public void EveryStaticSetHasAWordForEachName() => Assert.All(FeatureNames.StaticSets, set => Assert.Equal(FeatureNames.Words.Length, set.Words.Length));

    [Fact]
    public void NamesOfOneWordAreDifferent() =>
        Assert.All(FeatureNames.Words, word => Assert.Equal(word.Bits.Count(bit => bit is not null), word.Bits.Where(bit => bit is not null).Distinct().Count()));
}
