// SPDX-License-Identifier: MIT
// Creation and end of domains over a hypervisor in memory and a real xenstore daemon; a fault in each step leaves nothing behind.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Configuration;
using XenSharp.Control;
using XenSharp.Tests.Xenstore.Live;
using XenSharp.Toolstack;
using XenSharp.Toolstack.Building;
using XenSharp.Toolstack.Devices;
using XenSharp.XenstoreClient;
using Xunit;

namespace XenSharp.Tests.Tools.Toolstack;

public sealed partial class CreationTests : IAsyncLifetime
{
    private const string Backend = "/local/domain/0/backend/vbd/1/51712";

    private readonly string _folder = Directory.CreateTempSubdirectory("create").FullName;
    private readonly DaemonProcess _daemon = new();
    private readonly FakeHypervisor _fake = new();
    private readonly CancellationTokenSource _end = new();
    private Hypervisor _hypervisor = null!;
    private XenstoreConnection _store = null!;
    private Task _backend = Task.CompletedTask;
    private volatile bool _hasConsoles = true;

    public async Task InitializeAsync()
    {
        _hypervisor = new Hypervisor(_fake);
        UserData.Folder = Path.Combine(_folder, "lib");
        Bootloader.LogFolder = Path.Combine(_folder, "log");
        ConsoleDevice.TerminalTime = TimeSpan.FromSeconds(30);
        NicDevice.InterfaceTime = TimeSpan.Zero;    // There is no netback.
        _store = await XenstoreConnection.ConnectAsync(_daemon.SocketPath);
        await _store.Store.WriteAsync("/local/domain/0/name", "Domain-0");
        await _store.Store.WriteAsync("/libxl", "");
        await _store.Store.WriteAsync("/vm", "");
        _backend = Task.Run(ServeAsync);
    }

    public async Task DisposeAsync()
    {
        await _end.CancelAsync();
        await _backend;
        await _store.DisposeAsync();
        _hypervisor.Dispose();
        _daemon.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task DomainIsBuiltAsAPvhGuestExpectsIt()
    {
        byte[] elf = TestKernel.Elf(), ramdisk = Encoding.ASCII.GetBytes("ramdisk");
        (ushort id, DomainConfiguration configuration) = await Toolstack().CreateAsync(Configuration(elf, ramdisk));
        FakeDomain domain = _fake.Domains[id];
        Assert.Equal((CreateDomainFlags.Hvm | CreateDomainFlags.Hap, 2u, 1023u), (domain.Settings.Flags, domain.Settings.MaxVcpus, domain.Settings.MaxEventChannelPort));
        Assert.Equal(0ul, domain.Claimed);

        // The first vCPU: entry, start info.
        HvmHwCpu cpu = MemoryMarshal.Read<HvmHwCpu>(domain.Contexts[^1].AsSpan(8 + 24 + 8));
        Assert.Equal((TestKernel.Entry, 0x11ul), (cpu.Rip, cpu.Cr0));
        HvmStartInfo info = MemoryMarshal.Read<HvmStartInfo>(Memory(domain, cpu.Rbx, 56));
        Assert.Equal((HvmStartInfoMagic.Value, 1u, 1u), (info.Magic, info.Version, info.ModuleCount));
        Assert.Equal("console=hvc0", Text(Memory(domain, info.CommandLinePhysicalAddress, 13)));
        HvmModuleListEntry module = MemoryMarshal.Read<HvmModuleListEntry>(Memory(domain, info.ModuleListPhysicalAddress, 32));
        Assert.Equal("ramdisk", Text(Memory(domain, module.PhysicalAddress, (int)module.Size)));
        Assert.Equal("RSD PTR ", Text(Memory(domain, info.RsdpPhysicalAddress, 8)));
        Assert.Equal((uint)domain.MemoryMap.Length, info.MemoryMapEntries);
        Assert.Equal(64ul << 20, domain.MemoryMap[0].Size);

        // The kernel, and zeros behind what is in its file.
        int segment = elf.Length - 8192;
        Assert.Equal(elf[segment..], Memory(domain, TestKernel.Address, 8192));
        Assert.Equal(-1, Memory(domain, TestKernel.Address + 8192, 8192).AsSpan().IndexOfAnyExcept((byte)0));

        // Consoled and xenstored find their pages by grants; the kernel finds them by parameters.
        Assert.Equal(domain.Params[HvmParam.ConsolePfn], BitConverter.ToUInt32(domain.GrantTable, 4));
        Assert.Equal(domain.Params[HvmParam.StorePfn], BitConverter.ToUInt32(domain.GrantTable, 12));
        Assert.Equal(1, BitConverter.ToUInt16(domain.GrantTable, 0));
        Assert.Equal(-1, domain.GrantTable.AsSpan(16).IndexOfAnyExcept((byte)0));
        Assert.Equal($"{domain.Params[HvmParam.StorePfn]}", await _store.Store.ReadAsync($"/local/domain/{id}/store/ring-ref"));
        Assert.Equal($"{domain.Params[HvmParam.ConsoleEventChannel]}", await _store.Store.ReadAsync($"/local/domain/{id}/console/port"));
        Assert.Equal("offline", await _store.Store.ReadAsync($"/local/domain/{id}/cpu/1/availability"));
        Assert.Equal("connected", await _store.Store.ReadAsync($"{Backend}/hotplug-status"));
        // The record has what the user said, as libxl's has; the next start fills in the same.
        DomainConfiguration record = UserData.ReadConfiguration(id, configuration.CreateInfo.Uuid)!;
        Assert.Null(record.CreateInfo.Hap);
        Assert.Equal(configuration.ToJson(), ConfigurationDefaults.Apply(record, _hypervisor).ToJson());
        Assert.Equal(0, _fake.Mappings);
        Assert.Equal(1, domain.Pauses);
    }

    [Fact]
    public async Task DestructionLeavesNothing()
    {
        List<string> before = await TreeAsync();
        (ushort id, _) = await Toolstack().CreateAsync(Configuration(TestKernel.Elf()));
        await Toolstack().DestroyAsync(id);
        await AssertNothingLeftAsync(before);
        Assert.Equal(["add", "remove"], await File.ReadAllLinesAsync(Path.Combine(_folder, "calls")));
    }

    /// <summary>Each step of a creation fails in turn, at its beginning.</summary>
    [Fact]
    public async Task FaultInAnyStepLeavesNothing()
    {
        Steps all = new();
        (ushort id, _) = await Toolstack().CreateAsync(Configuration(TestKernel.Elf(), [1, 2, 3]), all);
        await Toolstack().DestroyAsync(id);
        List<string> before = await TreeAsync();
        Assert.True(all.Taken.Count > 20, string.Join(", ", all.Taken.Select(step => step.Name)));
        foreach (string name in all.Taken.Select(step => step.Name))
        {
            Steps steps = new() { Before = step => { if (step == name) throw new IOException("injected"); } };
            ToolstackException failure = await Assert.ThrowsAsync<ToolstackException>(() => Toolstack().CreateAsync(Configuration(TestKernel.Elf(), [1, 2, 3]), steps));
            Assert.Equal((name, $"{name}: injected"), (failure.Step, failure.Message));
            await AssertNothingLeftAsync(before);
        }
    }

    /// <summary>A xenstore without room refuses each of a creation's changes in turn.</summary>
    [Fact]
    public async Task RefusalOfAnyChangeLeavesNothing()
    {
        await using RefusingStore refusing = new(Path.Combine(_folder, "store"), _daemon.SocketPath);
        await using XenstoreConnection store = await XenstoreConnection.ConnectAsync(refusing.Path);
        DomainToolstack toolstack = new(_hypervisor, store) { KernelCache = null };
        DomainConfiguration configuration = Configuration(TestKernel.Elf(), [1, 2, 3]);
        refusing.Refused = 0;
        (ushort id, _) = await toolstack.CreateAsync(configuration);
        int changes = refusing.Changes;
        Assert.True(changes > 100, $"{changes}");
        await toolstack.DestroyAsync(id);
        List<string> before = await TreeAsync();
        for (int change = 1; change <= changes; change++)
        {
            refusing.Refused = change;
            ToolstackException failure = await Assert.ThrowsAsync<ToolstackException>(() => toolstack.CreateAsync(configuration));
            Assert.Matches("^[^\n]*: xenstore refused: (Write|MakeDirectory|SetPermissions) /[^\n]*: ENOSPC$", failure.Message);
            await AssertNothingLeftAsync(before);
        }
    }

    /// <summary>A step of the destruction fails; the others are taken, and a second destruction finishes.</summary>
    [Theory]
    [InlineData("pause")]
    [InlineData("device model")]
    [InlineData("list of devices")]
    [InlineData("removal of vbd 51712")]
    [InlineData("destruction")]
    [InlineData("xenstore nodes")]
    [InlineData("records")]
    public async Task DestructionGoesOnAfterAFault(string name)
    {
        List<string> before = await TreeAsync();
        (ushort id, _) = await Toolstack().CreateAsync(Configuration(TestKernel.Elf()));
        Steps steps = new() { Before = step => { if (step == name) throw new IOException("injected"); } };
        ToolstackException failure = await Assert.ThrowsAsync<ToolstackException>(() => Toolstack().DestroyAsync(id, steps));
        Assert.Equal($"{name}: injected", failure.Message);
        Assert.Equal(name == "destruction", _fake.Domains.ContainsKey(id));
        await Toolstack().DestroyAsync(id);
        if (name != "records")
            await AssertNothingLeftAsync(before);
    }

    [Fact]
    public async Task LackOfMemoryIsToldBeforeAndDuringTheBuild()
    {
        _fake.FreePages = 1000;
        ToolstackException failure = await Assert.ThrowsAsync<ToolstackException>(() => Toolstack().CreateAsync(Configuration(TestKernel.Elf())));
        Assert.Contains("3 MiB free", failure.Message);
        Assert.Equal("free memory", failure.Step);
        // Somebody else takes it meanwhile.
        _fake.FreePages = 1 << 20;
        Steps steps = new() { Before = step => _fake.FreePages = step == "memory" ? 2000ul : _fake.FreePages };
        failure = await Assert.ThrowsAsync<ToolstackException>(() => Toolstack().CreateAsync(Configuration(TestKernel.Elf()), steps));
        Assert.Contains("not enough free memory", failure.Message);
        Assert.Empty(_fake.Domains);
    }

    [Fact]
    public async Task GuestWithoutATerminalIsNotCreated()
    {
        List<string> before = await TreeAsync();
        _hasConsoles = false;
        ConsoleDevice.TerminalTime = TimeSpan.FromSeconds(1);
        ToolstackException failure = await Assert.ThrowsAsync<ToolstackException>(() => Toolstack().CreateAsync(Configuration(TestKernel.Elf())));
        Assert.Equal("the guest's console has no terminal after 1 seconds; is xenconsoled running?", failure.Message);
        await AssertNothingLeftAsync(before);
    }

    [Fact]
    public async Task NameOfAnotherDomainIsRefused()
    {
        await Toolstack().CreateAsync(Configuration(TestKernel.Elf()));
        ToolstackException failure = await Assert.ThrowsAsync<ToolstackException>(() => Toolstack().CreateAsync(Configuration(TestKernel.Elf()) with { Disks = [] }));
        Assert.Equal("Domain with name \"guest\" already exists.", failure.Message);
        Assert.Single(_fake.Domains);
    }

    [Fact]
    public async Task MemoryAboveTheTargetIsPopulatedOnDemand()
    {
        DomainConfiguration configuration = Configuration(TestKernel.Elf());
        (ushort id, _) = await Toolstack().CreateAsync(configuration with { BuildInfo = configuration.BuildInfo with { MaxMemkb = 96 << 10 } });
        Assert.Equal((64ul << 8, 96ul << 8), (_fake.Domains[id].OnDemandTarget, _fake.Domains[id].OnDemandPages));
        Assert.Equal($"{96 << 10}", await _store.Store.ReadAsync($"/local/domain/{id}/memory/static-max"));
        Assert.Equal($"{64 << 10}", await _store.Store.ReadAsync($"/local/domain/{id}/memory/target"));
    }

    private DomainToolstack Toolstack() => new(_hypervisor, _store) { KernelCache = null };

    private DomainConfiguration Configuration(byte[] kernel, byte[]? ramdisk = null)
    {
        string script = Path.Combine(_folder, "script"), image = Path.Combine(_folder, "kernel"), initial = Path.Combine(_folder, "ramdisk");
        File.WriteAllText(script, $"#!/bin/sh\necho $1 >> {_folder}/calls\n");
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.WriteAllBytes(image, kernel);
        if (ramdisk is not null)
            File.WriteAllBytes(initial, ramdisk);
        return new DomainConfiguration
        {
            CreateInfo = new DomainCreateInfo { Type = DomainType.Pvh, Name = "guest" },
            BuildInfo = new DomainBuildInfo
            {
                Kernel = image, Ramdisk = ramdisk is null ? null : initial, Cmdline = "console=hvc0", TargetMemkb = 64 << 10, MaxVcpus = 2, AvailVcpus = new Bitmap([0]), Pvh = new PvhBuildInfo(),
            },
            Disks = [new DeviceDisk { Vdev = "xvda", PdevPath = image, Script = script, Readwrite = 1, Format = DiskFormat.Raw }],
        };
    }

    /// <summary>The backend of the disk: is ready at once, closes when it is told to. And that of the console.</summary>
    private async Task ServeAsync()
    {
        try
        {
            await using XenstoreConnection store = await XenstoreConnection.ConnectAsync(_daemon.SocketPath);
            await foreach (XenstoreEvent change in store.WatchAsync("/local/domain/0/backend", cancellation: _end.Token))
            {
                if (!change.Path.EndsWith("/state", StringComparison.Ordinal))
                    continue;
                string folder = change.Path[..^"/state".Length];
                string? state = await store.Store.ReadAsync(change.Path);
                if (folder.Contains("/console/", StringComparison.Ordinal))
                    await ServeConsoleAsync(store, folder);
                else if (state == "1")
                {
                    // What the hotplug script of a real disk would say.
                    await store.Store.WriteAsync($"{folder}/hotplug-status", "connected");
                    await store.Store.WriteAsync(change.Path, "2");
                }
                else if (state == "5")
                {
                    await store.Store.WriteAsync(change.Path, "6");
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    /// <summary>Gives a console a terminal, if it is still there.</summary>
    private Task ServeConsoleAsync(XenstoreConnection store, string folder) => _hasConsoles ? store.TransactAsync(async view =>
    {
        if (await view.ReadAsync($"{folder}/frontend") is { } frontend && await view.ExistsAsync($"{frontend}/tty"))
            await view.WriteAsync($"{frontend}/tty", "/dev/pts/0");
    }) : Task.CompletedTask;

    private async Task AssertNothingLeftAsync(List<string> before)
    {
        Assert.Empty(_fake.Domains);
        Assert.Equal(0, _fake.Mappings);
        Assert.Equal(before, await TreeAsync());
        Assert.Empty(Directory.Exists(UserData.Folder) ? Directory.GetFiles(UserData.Folder) : []);
    }

    /// <summary>All paths but those of tools.</summary>
    private async Task<List<string>> TreeAsync()
    {
        List<string> paths = [];
        await AddAsync("/");
        return paths;

        async Task AddAsync(string path)
        {
            foreach (string child in await _store.Store.ListAsync(path))
            {
                string full = $"{path.TrimEnd('/')}/{child}";
                if (!full.StartsWith("/tool", StringComparison.Ordinal))
                    paths.Add(full);
                await AddAsync(full);
            }
        }
    }

    private static byte[] Memory(FakeDomain domain, ulong address, int length)
    {
        byte[] bytes = new byte[length];
        for (int index = 0; index < length; index++)
            bytes[index] = domain.Pages[(address + (ulong)index) / 4096][(address + (ulong)index) % 4096];
        return bytes;
    }

    private static string Text(byte[] bytes) => Encoding.ASCII.GetString(bytes).TrimEnd('\0');
}
