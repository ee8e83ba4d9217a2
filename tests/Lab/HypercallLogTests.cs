// SPDX-License-Identifier: MIT
// The log of a tool's hypercalls gets names, and what differs from run to run goes.

using System.Linq;
using XenSharp.Lab.Trace;
using Xunit;

namespace XenSharp.Tests.Lab;

public class HypercallLogTests
{
    [Fact]
    public void Calls_of_the_first_process_are_told_by_name_without_pointers()
    {
        string domctl = "0b00000015000000" + "0700000000000000" + "0004000000000000" + string.Concat(Enumerable.Repeat("00", 120));
        string memory = "00109c8fac7f0000" + "0200000000000000" + "0000000000000000" + "0700000000000000" + "0000000000000000";
        string log = $"""
            12 call 36 7fac8f9c1000 in={domctl} = -1 22 out={domctl}
            13 call 17 0 in= = 1 0 out=
            12 call 12 6 7fac8f9c1000 in={memory} = 2 0 out={memory}
            12 map domain=7 protection=3 pages=4 first=feffc = 0 0
            12 map domain=7 protection=3 pages=358 first=1000 = 0 0

            """;

        Assert.Equal(
            [
                "domctl max_mem domain=7 400 = -1 errno 22",
                "memory_op populate_physmap pointer 2 0 7 = 2",
                "map domain=7 protection=3 pages=4 first=feffc = 0 0",
                "map domain=7 protection=3 pages=some first=low = 0 0",
            ],
            HypercallLog.Decode(log));
    }
}
