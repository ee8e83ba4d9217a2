// SPDX-License-Identifier: MIT
// The standard machine with Debian's Xen tools in dom0 and guests at hand: the sample guest and a test kernel. Used by every end-to-end test.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using XenSharp.Lab.Common;
using XenSharp.Lab.Exec;
using XenSharp.Lab.Guests;
using XenSharp.Lab.Machine;
using XenSharp.Lab.Packages;
using XenSharp.Lab.Ramdisk;
using XenSharp.Lab.Trace;

namespace XenSharp.Tests.EndToEnd;

internal static class GuestMachine
{
    private const string HypervisorArguments = "console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all dom0=pvh dom0_mem=640M";

    /// <summary>The test kernel that says a line and sleeps; other words of <c>extra</c> make it end in other ways.</summary>
    private const string IdleConfiguration = """
        name = "idle"
        type = "pvh"
        kernel = "/guest/basics"
        extra = "idle"
        memory = 32
        vcpus = 1

        """;

    public static bool IsReference => Path.GetFullPath(Repository.Hypervisor) != Repository.BuiltHypervisor;

    public static string Script(string name) => Path.Combine(Repository.Root, "tests", "EndToEnd", "Scripts", name);

    /// <summary>The machine with a session joined behind everything else, in a file in <paramref name="folder"/>.</summary>
    /// <param name="extra">Archives to be joined before the session.</param>
    /// <param name="guestKernel">The metapackage of the sample guest's kernel, if not the usual one.</param>
    public static MachineConfiguration Configure(
        TemporaryFolder folder, byte[] session, int cpus = 1, bool createSample = false, byte[][]? extra = null, int memoryMiB = 2048, string? guestKernel = null)
    {
        Dom0Image dom0 = Dom0Image.FromDebian(withTools: true);
        GuestSegment sample = GuestSegment.Sample(createSample, guestKernel);
        string basics = Path.Combine(Repository.Out, "guests", "basics");
        GuestSegment all = sample with { Files = [.. sample.Files, ("basics", basics)] };
        CpioWriter idle = new();
        idle.AddFile("guest/idle.cfg", IdleConfiguration);
        string ramdisk = folder.File("ramdisk");
        using (FileStream file = File.Create(ramdisk))
        {
            foreach (byte[] part in (byte[][])[File.ReadAllBytes(dom0.Ramdisk!), File.ReadAllBytes(dom0.Tools!), all.Archive(), idle.Finish(), PreloadLibrary.Archive(), .. extra ?? [], session])
                file.Write(part);
        }
        return new MachineConfiguration
        {
            Hypervisor = Repository.Hypervisor,
            HypervisorArguments = IsReference ? $"{HypervisorArguments} {DebianXen.Arguments}" : HypervisorArguments,
            Modules = [new BootModule(dom0.Kernel, "console=hvc0 quiet"), new BootModule(ramdisk)],
            Cpus = cpus,
            MemoryMiB = memoryMiB,
        };
    }

    /// <summary>Runs the steps of a script and returns what they printed; if the machine fails first, what it had printed is in the exception.</summary>
    public static string RunScript(IEnumerable<string> steps, TimeSpan timeout, int cpus = 1, byte[][]? extra = null, int memoryMiB = 2048, string? guestKernel = null)
    {
        using TemporaryFolder folder = new();
        string token = SessionSegment.NewToken();
        byte[] session = SessionSegment.ForSteps(steps, File.ReadAllText(Script("functions.sh")), token);
        string log = Path.Combine(Directory.CreateDirectory(Path.Combine(Repository.Out, "test")).FullName, "end-to-end-console.log");
        using MemoryStream output = new();
        try
        {
            new ExecSession(token, output, Stream.Null).Run(Configure(folder, session, cpus, extra: extra, memoryMiB: memoryMiB, guestKernel: guestKernel) with { LogFile = log }, timeout);
        }
        catch (MachineException failure)
        {
            throw new InvalidOperationException($"{failure.Message}\nThe steps before that:\n{Encoding.UTF8.GetString(output.ToArray())}", failure);
        }
        return Encoding.UTF8.GetString(output.ToArray());
    }

    /// <summary>The steps in a script's file.</summary>
    public static IReadOnlyList<string> Steps(string script) => File.ReadLines(Script(script)).Where(line => line.Length > 0 && !line.StartsWith('#')).ToArray();
}
