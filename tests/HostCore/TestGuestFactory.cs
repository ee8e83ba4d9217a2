// SPDX-License-Identifier: MIT
// What the port makes for domains that tests create by hypercalls. Every vCPU costs a page, so that leaks show.

using System.Collections.Generic;
using XenSharp.Core;
using XenSharp.Core.Boot;
using XenSharp.Core.Domains;
using XenSharp.Core.Vcpus;
using XenSharp.Edge;

namespace XenSharp.Testing;

public sealed class TestGuestFactory(Host host) : GuestFactory
{
    private readonly Dictionary<VcpuContext, Mfn> _pages = [];

    public override P2m? CreateP2m(FrameSource tables) => tables.TryAllocate(out Mfn root) ? new DictionaryP2m(1UL << 28) { Root = root, Tables = tables } : null;

    public override VcpuContext? CreateContext(Domain domain)
    {
        if (!host.Allocator.TryAllocate(0, host.CurrentProcessor, out Mfn page))
            return null;
        FakeVcpuContext context = new();
        lock (_pages)
            _pages.Add(context, page);
        return context;
    }

    public override void Attach(VcpuContext context, Vcpu vcpu)
    {
    }

    public override void Release(VcpuContext context, Processor caller)
    {
        Mfn page;
        lock (_pages)
            _pages.Remove(context, out page);
        host.Allocator.Free(page, 0, caller);
    }
}
