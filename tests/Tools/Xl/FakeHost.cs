// SPDX-License-Identifier: MIT
// A machine for xl without a hypervisor: FakeMachine, a store, and what commands print. Used by the tests beside it.

using System;
using System.IO;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Configuration;
using XenSharp.Control;
using XenSharp.Xl.Frame;

namespace XenSharp.Tests.Tools.Xl;

internal sealed class FakeHost : IDisposable
{
    public FakeHost(int cpus = 1)
    {
        Machine = new FakeMachine(cpus);
        Store.Write("/local/domain/0/name", "Domain-0");
        Store.Write("/local/pool/0/name", "Pool-0");
    }

    public FakeMachine Machine { get; }

    public GlobalConfiguration Settings { get; init; } = GlobalConfiguration.Default;

    /// <summary>In place of /var/lib/xen.</summary>
    public DirectoryInfo Records { get; } = Directory.CreateTempSubdirectory("xl-");

    public StoreSocket Store { get; } = new();

    /// <summary>A paused guest, as xl create -p leaves one.</summary>
    public FakeDomain AddGuest(ushort id, string name, int mebibytes = 32, uint vcpus = 1, DomainInfoFlags state = DomainInfoFlags.Blocked)
    {
        string folder = $"/local/domain/{id}";
        Store.Write($"{folder}/name", name);
        Store.Write($"{folder}/vm", $"/vm/00000000-0000-0000-0000-{id:x12}");
        Store.Write($"{folder}/memory/target", $"{mebibytes * 1024}");
        Store.Write($"{folder}/memory/static-max", $"{mebibytes * 2048}");
        return Machine.Add(id, (ulong)mebibytes * 256, vcpus, state);
    }

    /// <summary>The commands of a line, one after the other, as a shell runs them; errors come after what each printed.</summary>
    public async Task<(string Output, string Error, int Status)> RunAsync(string line)
    {
        using StringWriter output = new(), error = new();
        int status = 0;
        foreach (string command in line.Split("; "))
        {
            string[] words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            await using Host host = new() { StorePath = Store.Address, OpenHypervisor = () => new Hypervisor(Machine), Settings = Settings, RecordFolder = Records.FullName };
            status = await XlProgram.RunAsync(words[0], words[1..], host, output, error);
        }
        return (output.ToString(), error.ToString(), status);
    }

    /// <summary>What a command printed, where it succeeded without a word of error.</summary>
    public async Task<string> PrintAsync(string line)
    {
        (string output, string error, int status) = await RunAsync(line);
        Xunit.Assert.Equal(("", 0), (error, status));
        return output;
    }

    public void Dispose()
    {
        Store.Dispose();
        Records.Delete(recursive: true);
    }
}
