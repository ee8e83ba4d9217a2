// SPDX-License-Identifier: MIT
// Room for a guest out of the control domain's memory.

using System.Threading;
using System.Threading.Tasks;
using XenSharp.Toolstack;
using XenSharp.XenstoreClient;
using Xunit;

namespace XenSharp.Tests.Tools.Toolstack;

public sealed partial class CreationTests
{
    private const string ControlTarget = "/local/domain/0/memory/target";

    [Fact]
    public async Task ControlDomainGivesWhatAGuestLacks()
    {
        _fake.FreePages = 1000;
        await _store.Store.WriteAsync(ControlTarget, "1048576");
        ulong needed = Toolstack().NeededKilobytes(Configuration(TestKernel.Elf()));
        Task balloon = BalloonAsync(1 << 18);
        Assert.True(await new HostMemory(_hypervisor, _store).TryMakeRoomAsync(needed));
        Assert.Equal($"{1048576 - (needed - 4000)}", await _store.Store.ReadAsync(ControlTarget));
        await balloon;
        await Toolstack().CreateAsync(Configuration(TestKernel.Elf()));
    }

    [Fact]
    public async Task ControlDomainKeepsWhatItNeeds()
    {
        _fake.FreePages = 1000;
        await _store.Store.WriteAsync(ControlTarget, "150000");
        HostMemory memory = new(_hypervisor, _store);
        Assert.False(await memory.TryMakeRoomAsync(64 << 10));
        Assert.Equal("150000", await _store.Store.ReadAsync(ControlTarget));
        Assert.True(await memory.TryMakeRoomAsync(4000));
    }

    /// <summary>The control domain's kernel: gives pages until it has its target.</summary>
    private async Task BalloonAsync(ulong pages)
    {
        using CancellationTokenSource end = new();
        await foreach (XenstoreEvent _ in _store.WatchAsync(ControlTarget, cancellation: end.Token))
        {
            ulong target = ulong.Parse(await _store.Store.ReadAsync(ControlTarget) ?? "0") / 4;
            if (target >= pages)
                continue;
            _fake.FreePages += pages - target;
            return;
        }
    }
}
