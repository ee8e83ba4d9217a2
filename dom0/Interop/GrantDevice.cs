// SPDX-License-Identifier: MIT
// Pages that other domains have granted: mapped, or copied in batches. Linux: include/uapi/xen/gntdev.h.

using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using XenSharp.Abi;

namespace XenSharp.Interop;

/// <summary>One open /dev/xen/gntdev. Its calls may come from several threads.</summary>
public sealed unsafe class GrantDevice : IDisposable
{
    public const int PageSize = SharedPages.PageSize;

    private const uint MapRequest = 0x0018_4700, UnmapRequest = 0x0010_4701, CopyRequest = 0x0010_4708;
    private readonly SafeFileHandle _device = XenDevice.Open("gntdev", "xen-gntdev");

    /// <summary>Maps pages of one domain side by side, for reading and writing.</summary>
    public SharedPages Map(ushort domain, ReadOnlySpan<uint> references)
    {
        // struct ioctl_gntdev_map_grant_ref: count, padding, index (out), then pairs of domain and reference.
        uint* request = stackalloc uint[4 + (2 * references.Length)];
        request[0] = (uint)references.Length;
        request[1] = 0;
        for (int i = 0; i < references.Length; i++)
        {
            request[4 + (2 * i)] = domain;
            request[5 + (2 * i)] = references[i];
        }

        if (LibC.ioctl(_device, MapRequest, request) != 0)
            throw new SystemFailure("mapping granted pages");
        ulong index = *(ulong*)(request + 2);
        int count = references.Length;
        void* address = LibC.mmap(null, count * PageSize, LibC.PROT_READ | LibC.PROT_WRITE, LibC.MAP_SHARED, _device, (long)index);
        if ((nint)address != -1)
            return new MappedPages(address, count * PageSize, () => Forget(index, count));
        SystemFailure failure = new("mapping granted pages");
        Forget(index, count);
        throw failure;
    }

    /// <summary>
    /// Copies between this program and granted pages, all segments in one call. Each segment's <see cref="GrantCopySegment.Status"/> tells how it went;
    /// the call throws only when the kernel takes none of them.
    /// </summary>
    /// <param name="segments">What to copy; offsets in the pages and lengths stay within one page.</param>
    /// <param name="buffer">This program's memory; pinned memory (<see cref="GC.AllocateUninitializedArray{T}"/> with pinned) needs no work here.</param>
    public void Copy(Span<GrantCopySegment> segments, Span<byte> buffer)
    {
        if (segments.Length == 0)
            return;
        Native* native = stackalloc Native[Math.Min(segments.Length, BatchSize)];
        fixed (byte* memory = buffer)
        {
            for (int done = 0; done < segments.Length; done += BatchSize)
                CopyBatch(segments.Slice(done, Math.Min(BatchSize, segments.Length - done)), native, memory, buffer.Length);
        }
    }

    /// <summary>Copies this program's memory into pages of a domain that it has granted under consecutive references.</summary>
    /// <param name="offset">Where in the first page; the others are filled from their start.</param>
    /// <exception cref="SystemFailure">Not everything was copied.</exception>
    public void Write(ushort domain, uint firstReference, int offset, ReadOnlySpan<byte> source)
    {
        if ((uint)offset >= PageSize)
            throw new ArgumentOutOfRangeException(nameof(offset));
        Native* native = stackalloc Native[BatchSize];
        uint reference = firstReference;
        fixed (byte* memory = source)
        {
            for (int done = 0; done < source.Length;)
            {
                int count = 0;
                for (; count < BatchSize && done < source.Length; count++, reference++, offset = 0)
                {
                    int length = Math.Min(PageSize - offset, source.Length - done);
                    native[count] = new Native
                    {
                        Source = (ulong)(memory + done), Target = reference | ((ulong)offset << 32) | ((ulong)domain << 48), Length = (ushort)length, Flags = TargetIsGrant,
                    };
                    done += length;
                }
                CopyAll(native, count);
                for (int index = 0; index < count; index++)
                {
                    if (native[index].Status != 0)
                        throw new SystemFailure($"writing to memory of domain {domain}: {(GrantStatus)native[index].Status}", LibC.EIO);
                }
            }
        }
    }

    public void Dispose() => _device.Dispose();

    private void Forget(ulong index, int count)
    {
        ulong* request = stackalloc ulong[2] { index, (uint)count };
        LibC.ioctl(_device, UnmapRequest, request);
    }

    private const int BatchSize = 512;
    private const ushort SourceIsGrant = 1, TargetIsGrant = 2;

    // SAFETY: every segment is checked to lie in the buffer before the kernel sees its address.
    private void CopyBatch(Span<GrantCopySegment> segments, Native* native, byte* memory, int length)
    {
        for (int i = 0; i < segments.Length; i++)
        {
            ref GrantCopySegment segment = ref segments[i];
            if (segment.BufferOffset < 0 || segment.Length > length - segment.BufferOffset || segment.PageOffset + segment.Length > PageSize)
                throw new ArgumentOutOfRangeException(nameof(segments), "a segment leaves its page or the buffer");
            ulong local = (ulong)(memory + segment.BufferOffset);
            ulong granted = segment.Reference | ((ulong)segment.PageOffset << 32) | ((ulong)segment.Domain << 48);
            native[i].Source = segment.ToGuest ? local : granted;
            native[i].Target = segment.ToGuest ? granted : local;
            native[i].Length = segment.Length;
            native[i].Flags = segment.ToGuest ? TargetIsGrant : SourceIsGrant;
            native[i].Status = 0;
        }

        CopyAll(native, segments.Length);
        for (int i = 0; i < segments.Length; i++)
            segments[i].Status = native[i].Status;
    }

    private void CopyAll(Native* segments, int count)
    {
        ulong* request = stackalloc ulong[2] { (uint)count, (ulong)segments };
        if (LibC.ioctl(_device, CopyRequest, request) != 0)
            throw new SystemFailure("copying granted pages");
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Native
    {
        public ulong Source;
        public ulong Target;
        public ushort Length;
        public ushort Flags;
        public short Status;
    }
}

/// <summary>One piece of a <see cref="GrantDevice.Copy"/>.</summary>
public struct GrantCopySegment
{
    public int BufferOffset;
    public uint Reference;
    public ushort Domain;
    public ushort PageOffset;
    public ushort Length;

    /// <summary>From the buffer into the granted page; else the other way.</summary>
    public bool ToGuest;

    /// <summary>GNTST_*: 0 for success (xen/include/public/grant_table.h).</summary>
    public short Status;
}
