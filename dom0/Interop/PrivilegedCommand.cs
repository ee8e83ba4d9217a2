// SPDX-License-Identifier: MIT
// Hypercalls and other domains' memory by dom0's kernel. Linux: include/uapi/xen/privcmd.h, drivers/xen/privcmd.c.

using System;
using System.Buffers;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using Microsoft.Win32.SafeHandles;
using XenSharp.Abi;

namespace XenSharp.Interop;

/// <summary>One open /dev/xen/privcmd and /dev/xen/hypercall.</summary>
public sealed unsafe class PrivilegedCommand : HypercallGate
{
    private const uint HypercallRequest = 0x0030_5000, MapBatchRequest = 0x0020_5004, DeviceModelRequest = 0x0010_5005, RestrictRequest = 0x0002_5006, MapResourceRequest = 0x0020_5007;
    private const string Module = "xen-privcmd";
    private const int PagedOutTries = 1000;

    private readonly SafeFileHandle _device;
    private readonly SafeFileHandle? _buffers;
    private GrantDevice? _grants;

    private PrivilegedCommand(SafeFileHandle device, SafeFileHandle? buffers)
    {
        _device = device;
        _buffers = buffers;
    }

    protected override SafeFileHandle? Buffers => _buffers;

    /// <summary>Fails with a sentence that says why when this is not dom0, or not root.</summary>
    /// <exception cref="SystemFailure"/>
    public static PrivilegedCommand Open()
    {
        SafeFileHandle device = XenDevice.Open("privcmd", Module);
        // Kernels before 4.18 have no device for buffers.
        SafeFileHandle? buffers = File.Exists(XenDevice.PathOf("hypercall")) ? XenDevice.Open("hypercall", Module) : null;
        return new PrivilegedCommand(device, buffers);
    }

    /// <summary>From now on only hypercalls about this domain go through.</summary>
    public void Restrict(ushort domain)
    {
        // SAFETY: the kernel reads a domid_t.
        if (LibC.ioctl(_device, RestrictRequest, &domain) != 0)
            throw new SystemFailure("restricting privileged commands");
    }

    public override long Call(HypercallNumber number, ulong first = 0, ulong second = 0, ulong third = 0, ulong fourth = 0, ulong fifth = 0)
    {
        // SAFETY: struct privcmd_hypercall; addresses among the arguments are those of buffers that the caller holds.
        ulong* call = stackalloc ulong[6] { (ulong)number, first, second, third, fourth, fifth };
        int result = LibC.ioctl(_device, HypercallRequest, call);
        return result < 0 ? -Marshal.GetLastPInvokeError() : result;
    }

    public override SharedPages MapForeign(ushort domain, ReadOnlySpan<ulong> frames, bool isWritable, Span<int> errors = default)
    {
        if (!errors.IsEmpty && errors.Length != frames.Length)
            throw new ArgumentException("One error for each frame.", nameof(errors));
        int[] results = ArrayPool<int>.Shared.Rent(frames.Length);
        try
        {
            Span<int> found = results.AsSpan(0, frames.Length);
            found.Clear();
            SharedPages pages = MapBatch(domain, frames, isWritable, found);
            int bad = found.IndexOfAnyExcept(0);
            if (errors.IsEmpty && bad >= 0)
            {
                pages.Dispose();
                throw new SystemFailure($"mapping frame {frames[bad]:x} of domain {domain}", -found[bad]);
            }
            if (!errors.IsEmpty)
                found.CopyTo(errors);
            return pages;
        }
        finally
        {
            ArrayPool<int>.Shared.Return(results);
        }
    }

    public override SharedPages MapResource(ushort domain, MemoryResource type, uint id, uint firstFrame, int count)
    {
        byte* address = Reserve(count, LibC.PROT_READ | LibC.PROT_WRITE);
        ResourceRequest request = new() { Domain = domain, Type = (uint)type, Id = id, Index = firstFrame, Count = (ulong)count, Address = (ulong)address };
        // SAFETY: struct privcmd_mmap_resource; the kernel maps into the range just reserved.
        if (LibC.ioctl(_device, MapResourceRequest, &request) == 0)
            return new MappedPages(address, count * SharedPages.PageSize);
        SystemFailure failure = new($"mapping a resource of domain {domain}");
        LibC.munmap(address, count * SharedPages.PageSize);
        throw failure;
    }

    public override void WriteGranted(ushort domain, uint firstReference, int offset, ReadOnlySpan<byte> source) =>
        LazyInitializer.EnsureInitialized(ref _grants, () => new GrantDevice()).Write(domain, firstReference, offset, source);

    public override long CallDeviceModel(ushort domain, params ReadOnlySpan<Memory<byte>> buffers)
    {
        MemoryHandle[] pins = new MemoryHandle[buffers.Length];
        DeviceModelBuffer* native = stackalloc DeviceModelBuffer[Math.Max(1, buffers.Length)];
        try
        {
            for (int index = 0; index < buffers.Length; index++)
            {
                pins[index] = buffers[index].Pin();
                native[index] = new DeviceModelBuffer { Start = pins[index].Pointer, Length = (nuint)buffers[index].Length };
            }
            // SAFETY: struct privcmd_dm_op; the buffers stay pinned until the call has returned.
            DeviceModelOperation operation = new() { Domain = domain, Count = (ushort)buffers.Length, Buffers = native };
            int result = LibC.ioctl(_device, DeviceModelRequest, &operation);
            return result < 0 ? -Marshal.GetLastPInvokeError() : result;
        }
        finally
        {
            foreach (MemoryHandle pin in pins)
                pin.Dispose();
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _device.Dispose();
        _buffers?.Dispose();
        _grants?.Dispose();
    }

    private SharedPages MapBatch(ushort domain, ReadOnlySpan<ulong> frames, bool isWritable, Span<int> errors)
    {
        int protection = isWritable ? LibC.PROT_READ | LibC.PROT_WRITE : LibC.PROT_READ;
        byte* address = Reserve(frames.Length, protection);
        // SAFETY: both lists are pinned and as long as the count says; the kernel maps into the range just reserved.
        fixed (ulong* frame = frames)
        fixed (int* error = errors)
        {
            BatchRequest request = new() { Count = (uint)frames.Length, Domain = domain, Address = (ulong)address, Frames = frame, Errors = error };
            if (LibC.ioctl(_device, MapBatchRequest, &request) != 0 && Marshal.GetLastPInvokeError() is int cause && cause != LibC.ENOENT)
            {
                LibC.munmap(address, frames.Length * SharedPages.PageSize);
                throw new SystemFailure($"mapping memory of domain {domain}", cause);
            }
            // A page that the hypervisor has paged out comes back after a while: the kernel says ENOENT for it.
            for (int index = 0; index < errors.Length; index++)
            {
                for (int tries = 0; errors[index] == -LibC.ENOENT && tries < PagedOutTries; tries++)
                {
                    Thread.Sleep(1);
                    BatchRequest again = new() { Count = 1, Domain = domain, Address = (ulong)address + ((ulong)index * SharedPages.PageSize), Frames = frame + index, Errors = error + index };
                    LibC.ioctl(_device, MapBatchRequest, &again);
                }
            }
        }
        return new MappedPages(address, frames.Length * SharedPages.PageSize);
    }

    private byte* Reserve(int pages, int protection)
    {
        // SAFETY: a new mapping; it has no pages until the kernel is told which.
        void* address = LibC.mmap(null, checked(pages * SharedPages.PageSize), protection, LibC.MAP_SHARED, _device, 0);
        return (nint)address != -1 ? (byte*)address : throw new SystemFailure("reserving addresses for another domain's memory");
    }

    /// <summary>struct privcmd_mmapbatch_v2.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct BatchRequest
    {
        public uint Count;
        public ushort Domain;
        public ulong Address;
        public ulong* Frames;
        public int* Errors;
    }

    /// <summary>struct privcmd_mmap_resource.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ResourceRequest
    {
        public ushort Domain;
        public uint Type;
        public uint Id;
        public uint Index;
        public ulong Count;
        public ulong Address;
    }

    /// <summary>struct privcmd_dm_op_buf.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct DeviceModelBuffer
    {
        public void* Start;
        public nuint Length;
    }

    /// <summary>struct privcmd_dm_op.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct DeviceModelOperation
    {
        public ushort Domain;
        public ushort Count;
        public DeviceModelBuffer* Buffers;
    }
}
