// SPDX-License-Identifier: MIT
// Writes a domain's memory and the state of its vCPUs to a file, as xc_domain_dumpcore of libxenguest 4.17 does. Used by DomainToolstack.

using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using XenSharp.Abi;
using XenSharp.Control;
using XenSharp.Interop;

namespace XenSharp.Toolstack.Dump;

internal sealed class CoreDump(Hypervisor hypervisor, ushort domain)
{
    private const int PageSize = SharedPages.PageSize, Batch = 1024;

    // Frames that are never dumped: the VGA hole, and devices' memory below 4 GiB, where a PVH guest has its special pages and its ACPI tables.
    private const ulong VgaStart = 0xA0, VgaEnd = 0xC0, DevicesStart = 0xF_0000, DevicesEnd = 0x10_0000;

    /// <summary>Pages of a domain that have places among the devices' (special pages, ACPI tables), at most; a scan that misses no more than these has found all.</summary>
    private const ulong MostApart = 64;

    private readonly byte[] _page = new byte[PageSize];
    private readonly List<ulong> _frames = [];

    /// <summary>Writes the file; one that could not be written whole is deleted.</summary>
    /// <exception cref="ToolstackException">There is no such domain, or the file cannot be written.</exception>
    public void Write(string path)
    {
        if (!hypervisor.TryGetDomain(domain, out DomctlGetDomainInfo info))
            throw new ToolstackException($"there is no domain {domain}");
        CoreFile core = new(Contexts(info), SharedInfo(info), info.TotalPages);
        try
        {
            FileStreamOptions options = new()
            {
                Mode = FileMode.Create, Access = FileAccess.Write, BufferSize = 256 * PageSize, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            };
            using FileStream file = new(path, options);
            core.WriteHead(file, hypervisor);
            WritePages(file, info);
            core.WriteTail(file, CollectionsMarshal.AsSpan(_frames));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or HypercallException)
        {
            TryDelete(path);
            throw new ToolstackException($"the core file {path} was not written: {failure.Message}", failure);
        }
    }

    private byte[] Contexts(in DomctlGetDomainInfo info)
    {
        List<byte> contexts = [];
        for (uint vcpu = 0; vcpu <= info.MaxVcpuId && info.MaxVcpuId != DomctlLimits.InvalidMaxVcpuId; vcpu++)
        {
            try
            {
                VcpuGuestContext context = hypervisor.GetVcpuContext(domain, vcpu);
                contexts.AddRange(MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(in context, 1)));
            }
            catch (HypercallException)
            {
                // One that has never been started has none.
            }
        }
        return contexts.Count > 0 ? [.. contexts] : throw new ToolstackException($"domain {domain} has no vCPU whose state can be read");
    }

    private byte[]? SharedInfo(in DomctlGetDomainInfo info)
    {
        try
        {
            using SharedPages page = hypervisor.MapForeign(domain, [info.SharedInfoFrame], isWritable: false);
            byte[] content = new byte[PageSize];
            page.Read(0, content);
            return content;
        }
        catch (SystemFailure)
        {
            return null;
        }
    }

    /// <summary>The pages that are there, in the order of their frames; as many as were announced, with zeros for what has gone meanwhile.</summary>
    private void WritePages(Stream file, in DomctlGetDomainInfo info)
    {
        ulong end = hypervisor.GetMaximumFrame(domain) + 1, usual = Math.Min(end, info.MaxPages);
        Scan(file, 0, usual, info.TotalPages);
        // The rest is a hole for nearly every guest, and asking for each of its frames takes long.
        if (info.TotalPages - (ulong)_frames.Count > MostApart)
            Scan(file, usual, end, info.TotalPages);
        _page.AsSpan().Clear();
        while ((ulong)_frames.Count < info.TotalPages)
        {
            file.Write(_page);
            _frames.Add(CoreFile.NoFrame);
        }
    }

    private void Scan(Stream file, ulong start, ulong end, ulong most)
    {
        List<ulong> wanted = new(Batch);
        int[] errors = new int[Batch];
        for (ulong frame = start; frame < end && (ulong)_frames.Count < most;)
        {
            wanted.Clear();
            for (; frame < end && wanted.Count < Batch; frame++)
            {
                if (frame is < VgaStart or >= VgaEnd and < DevicesStart or >= DevicesEnd)
                    wanted.Add(frame);
                else if (frame == DevicesStart)
                    frame = DevicesEnd - 1;
            }
            Copy(file, CollectionsMarshal.AsSpan(wanted), errors.AsSpan(0, wanted.Count), most);
        }
    }

    private void Copy(Stream file, ReadOnlySpan<ulong> frames, Span<int> errors, ulong most)
    {
        if (frames.IsEmpty)
            return;
        using SharedPages pages = hypervisor.Gate.MapForeign(domain, frames, isWritable: false, errors);
        for (int index = 0; index < frames.Length && (ulong)_frames.Count < most; index++)
        {
            if (errors[index] != 0)
                continue;
            pages.Read(index * PageSize, _page);
            file.Write(_page);
            _frames.Add(frames[index]);
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // What is there stays.
        }
    }
}
