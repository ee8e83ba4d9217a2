// SPDX-License-Identifier: MIT
// Instructions by function between an exit and the entry that ends it.

using System.Collections.Generic;
using System.IO;
using XenSharp.Bench.Profiling;
using Xunit;

namespace XenSharp.Tests.Bench;

public class ProfileTests
{
    private static readonly FunctionMap s_functions = FunctionMap.Parse(
        "0000000000200010 T boot_start\nffff82d040201000 T xs_enter_guest\nffff82d040201080 T XenSharp_Core_XenSharp_Core_Vcpus_Vcpu__Run\nffff82d040202000 R data\n");

    [Theory]
    [InlineData(0xffff82d040201000, "xs_enter_guest")]
    [InlineData(0xffff82d04020107f, "xs_enter_guest")]
    [InlineData(0xffff82d040202222, "XenSharp_Core_Vcpus_Vcpu.Run")]
    [InlineData(0x200010, "0x200010")]
    public void An_address_lies_in_the_function_before_it(ulong address, string name)
    {
        Assert.Equal(name, s_functions.NameOf(address));
    }

    [Fact]
    public void Exits_through_the_same_functions_are_added_and_cut_ones_left_out()
    {
        string log = Step(0xffff82d040201004) + "vmrun! 0000000000001000\n"
            + Exit("81", 0xffff82d040201004, 0xffff82d040201080) + Exit("81", 0xffff82d040201080, 0xffff82d040201084, 0xffff82d040201004)
            + Exit("72", 0xffff82d040201004) + "vmexit(00000081, 0000000000000000, 0000000000000000, 0000000000100000)!\n" + Step(0xffff82d040201004);

        IReadOnlyList<ExitGroup> groups = ExitProfile.Read(new StringReader(log), s_functions);

        Assert.Equal(2, groups.Count);
        Assert.Equal(("VMMCALL", 2, 5), (groups[0].Kind, groups[0].Exits, groups[0].Instructions));
        Assert.Equal(3, groups[0].Functions["XenSharp_Core_Vcpus_Vcpu.Run"]);
        Assert.Equal(("CPUID", 1, 1), (groups[1].Kind, groups[1].Exits, groups[1].Instructions));
    }

    private static string Exit(string code, params ulong[] addresses) =>
        $"vmexit(000000{code}, 0000000000000000, 0000000000000000, 0000000000100000)!\n{string.Concat(System.Array.ConvertAll(addresses, Step))}vmrun! 0000000000001000\n";

    private static string Step(ulong address) => $"Trace 0: 0x7f0a40000100 [0000000000000000/{address:x16}/0040c0b3/ff021201] \n";
}
