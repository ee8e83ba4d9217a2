// SPDX-License-Identifier: MIT
// Machines that boot a kernel of our own from guests/ as PVH dom0, and the golden files that real Xen left.

using System.IO;
using XenSharp.Lab.Common;
using XenSharp.Lab.Machine;

namespace XenSharp.Tests.Boot;

internal static class TestKernel
{
    private const string HypervisorArguments = "console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all dom0=pvh dom0_mem=256M";

    public static MachineConfiguration Machine(string kernel, string arguments, string furtherHypervisorArguments = "noreboot") => new()
    {
        Hypervisor = Repository.Hypervisor,
        HypervisorArguments = $"{HypervisorArguments} {furtherHypervisorArguments}".TrimEnd(),
        Modules = [new BootModule(Path.Combine(Repository.Out, "guests", kernel), arguments)],
    };

    public static string Golden(string name) => Path.Combine(Repository.Root, "tests", "Boot", "Golden", name);
}
