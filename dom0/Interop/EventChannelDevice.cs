// SPDX-License-Identifier: MIT
// Event channels of a program in user space. Linux: include/uapi/xen/evtchn.h.

using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace XenSharp.Interop;

/// <summary>One open /dev/xen/evtchn. Ports bound here are unbound when it is disposed. Waiting and notifying may happen on different threads.</summary>
public sealed unsafe class EventChannelDevice : IDisposable
{
    private const uint BindVirqRequest = 0x0004_4500, BindInterdomainRequest = 0x0008_4501, BindUnboundRequest = 0x0004_4502, UnbindRequest = 0x0004_4503,
        NotifyRequest = 0x0004_4504;

    private readonly SafeFileHandle _device = XenDevice.Open("evtchn", "xen-evtchn", LibC.O_NONBLOCK);

    private readonly SafeFileHandle _stop = XenDevice.OpenEvent();

    /// <summary>For poll and epoll: readable when an event waits.</summary>
    public SafeFileHandle Handle => _device;

    /// <summary>Binds a global or per-vCPU virtual interrupt; returns the local port.</summary>
    public uint BindVirq(uint virq) => Bind(BindVirqRequest, &virq, "binding a virtual interrupt");

    /// <summary>Connects to a port that another domain has left open for this one; returns the local port.</summary>
    public uint BindInterdomain(ushort domain, uint remotePort)
    {
        uint* argument = stackalloc uint[2] { domain, remotePort };
        return Bind(BindInterdomainRequest, argument, "binding to a port of another domain");
    }

    /// <summary>Makes a local port to which <paramref name="domain"/> may connect.</summary>
    public uint BindUnbound(ushort domain)
    {
        uint argument = domain;
        return Bind(BindUnboundRequest, &argument, "allocating a port");
    }

    public void Unbind(uint port) => Bind(UnbindRequest, &port, "unbinding a port");

    public void Notify(uint port) => Bind(NotifyRequest, &port, "notifying a port");

    /// <summary>Blocks until an event arrives; its port stays masked until <see cref="Unmask"/>. False after <see cref="Stop"/>.</summary>
    public bool Wait(out uint port)
    {
        const ulong readable = 1UL << 32;
        ulong* entries = stackalloc ulong[2];
        while (true)
        {
            entries[0] = (uint)_device.DangerousGetHandle() | readable;
            entries[1] = (uint)_stop.DangerousGetHandle() | readable;
            // SAFETY: two entries, as the count says.
            if (LibC.poll(entries, 2, -1) < 0 && Marshal.GetLastPInvokeError() != LibC.EINTR)
                throw new SystemFailure("waiting for an event");
            port = 0;
            if (entries[1] >> 48 != 0)
                return false;
            fixed (uint* target = &port)
            {
                // SAFETY: the kernel writes whole ports, at most the length given.
                if (entries[0] >> 48 != 0 && LibC.read(_device, target, sizeof(uint)) == sizeof(uint))
                    return true;
            }
        }
    }

    /// <summary>Takes an event that waits, without waiting for one; its port stays masked until <see cref="Unmask"/>.</summary>
    public bool TryTake(out uint port)
    {
        port = 0;
        fixed (uint* target = &port)
        {
            // SAFETY: the kernel writes whole ports, at most the length given.
            return LibC.read(_device, target, sizeof(uint)) == sizeof(uint);
        }
    }

    /// <summary>Makes <see cref="Wait"/> return false, now and from now on.</summary>
    public void Stop()
    {
        ulong one = 1;
        LibC.write(_stop, &one, sizeof(ulong));
    }

    /// <summary>Lets the port deliver again.</summary>
    public void Unmask(uint port)
    {
        if (LibC.write(_device, &port, sizeof(uint)) != sizeof(uint))
            throw new SystemFailure("unmasking a port");
    }

    public void Dispose()
    {
        _device.Dispose();
        _stop.Dispose();
    }

    // SAFETY: every caller passes the structure that its request takes.
    private uint Bind(uint request, void* argument, string what)
    {
        int result = LibC.ioctl(_device, request, argument);
        return result >= 0 ? (uint)result : throw new SystemFailure(what);
    }
}
