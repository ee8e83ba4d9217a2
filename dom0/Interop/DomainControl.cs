// SPDX-License-Identifier: MIT
// What the hypervisor says about a domain. Linux: include/uapi/xen/privcmd.h; Xen: XEN_DOMCTL_getdomaininfo of xen/include/public/domctl.h.

using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace XenSharp.Interop;

/// <summary>XEN_DOMINF_*.</summary>
[Flags]
public enum DomainFlags : uint
{
    Dying = 1,
    ShutDown = 4,
    Paused = 8,
}

public sealed unsafe class DomainControl : IDisposable
{
    private const uint HypercallRequest = 0x0030_5000;     // IOCTL_PRIVCMD_HYPERCALL
    private const ulong DomctlCall = 36;                    // __HYPERVISOR_domctl
    private const uint GetDomainInfo = 5;
    private const uint InterfaceVersion = 0x15;
    private const int BufferSize = 4096;

    private readonly SafeFileHandle _device = LinuxCalls.OpenDevice("/dev/xen/privcmd", "xen-privcmd");
    private readonly SafeFileHandle _buffers = LinuxCalls.OpenDevice("/dev/xen/hypercall", "xen-privcmd");
    private readonly byte* _buffer;

    public DomainControl()
    {
        // SAFETY: a page that the kernel keeps in place for hypercalls; unmapped by Dispose only.
        void* page = LinuxCalls.Map(null, BufferSize, LibC.PROT_READ | LibC.PROT_WRITE, LibC.MAP_SHARED, _buffers, 0);
        if ((nint)page == -1)
            throw LinuxCalls.Failure("mapping a hypercall buffer");
        _buffer = (byte*)page;
    }

    /// <summary>False if there is no such domain.</summary>
    public bool TryGetFlags(ushort domain, out DomainFlags flags)
    {
        // SAFETY: struct xen_domctl (cmd, interface_version, domain, union at 16) and struct privcmd_hypercall (number and five arguments).
        new Span<byte>(_buffer, BufferSize).Clear();
        *(uint*)_buffer = GetDomainInfo;
        *(uint*)(_buffer + 4) = InterfaceVersion;
        *(ushort*)(_buffer + 8) = domain;
        ulong* call = stackalloc ulong[6] { DomctlCall, (ulong)_buffer, 0, 0, 0, 0 };
        int result = LinuxCalls.Control(_device, HypercallRequest, call);
        flags = (DomainFlags)(*(uint*)(_buffer + 20));
        return result == 0 && *(ushort*)(_buffer + 16) == domain;
    }

    public void Dispose()
    {
        LinuxCalls.Unmap(_buffer, BufferSize);
        _device.Dispose();
        _buffers.Dispose();
    }
}
