// SPDX-License-Identifier: MIT
// The test programs that Debian's xen-utils ships, in dom0 on our hypervisor. Of level long.

using System;
using System.Linq;
using Xunit;

namespace XenSharp.Tests.EndToEnd;

public class XenTestsTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);

    private static readonly string[] s_programs = ["test-cpu-policy", "test-paging-mempool", "test-resource"];

    [Fact]
    [Trait("Level", "long")]
    public void Xens_own_test_programs_pass()
    {
        string output = GuestMachine.RunScript(s_programs.Select(program => $"timeout 60 {program}").Append("xl list | wc -l | grep -x 2"), s_limit);
        string[] statuses = output.Split('\n').Where(line => line.StartsWith("-- status ", StringComparison.Ordinal)).ToArray();
        Assert.True(statuses.Length == s_programs.Length + 1 && statuses.All(line => line == "-- status 0"), output);
    }
}
