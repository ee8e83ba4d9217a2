// SPDX-License-Identifier: MIT
// A hypervisor in memory that knows what the creation and the end of a PVH domain need, and counts what is left.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using XenSharp.Abi;
using XenSharp.Interop;

namespace XenSharp.Tests.Tools.Toolstack;

/// <summary>A domain of <see cref="FakeHypervisor"/>.</summary>
internal sealed class FakeDomain(DomctlCreateDomain settings)
{
    public DomctlCreateDomain Settings { get; } = settings;

    public Dictionary<ulong, byte[]> Pages { get; } = [];

    public Dictionary<HvmParam, ulong> Params { get; } = [];

    public byte[] GrantTable { get; } = new byte[SharedPages.PageSize];

    public List<byte[]> Contexts { get; } = [];

    public E820Entry[] MemoryMap { get; set; } = [];

    public ulong Claimed { get; set; }

    public ulong OnDemandTarget { get; set; }

    public ulong OnDemandPages { get; set; }

    public int Pauses { get; set; } = 1;
}

internal sealed class FakeHypervisor : HypercallGate
{
    private ushort _last;
    private uint _port;

    public Dictionary<ushort, FakeDomain> Domains { get; } = [];

    /// <summary>What was asked for, in order.</summary>
    public List<string> Log { get; } = [];

    /// <summary>Mappings of domains' memory that are still there.</summary>
    public int Mappings { get; private set; }

    public ulong FreePages { get; set; } = 1 << 20;

    public override long Call(HypercallNumber number, ulong first = 0, ulong second = 0, ulong third = 0, ulong fourth = 0, ulong fifth = 0) => number switch
    {
        HypercallNumber.Domctl => Domctl(first),
        HypercallNumber.Sysctl => Sysctl(first),
        HypercallNumber.MemoryOperation => Memory((MemoryOperation)first, second),
        HypercallNumber.HvmOperation => Hvm((HvmOperation)first, second),
        HypercallNumber.EventChannelOperation => Port((EventChannelOperation)first, second),
        _ => -(long)Errno.NoSys,
    };

    public override SharedPages MapForeign(ushort domain, ReadOnlySpan<ulong> frames, bool isWritable, Span<int> errors = default)
    {
        FakeDomain owner = Domains[domain];
        byte[][] pages = [.. frames.ToArray().Select(frame => owner.Pages.TryGetValue(frame, out byte[]? page) ? page : throw new SystemFailure($"mapping {frame:x}", (int)Errno.NoEnt))];
        return new FakePages(this, pages);
    }

    public override SharedPages MapResource(ushort domain, MemoryResource type, uint id, uint firstFrame, int count) => new FakePages(this, [Domains[domain].GrantTable]);

    public override void WriteGranted(ushort domain, uint firstReference, int offset, ReadOnlySpan<byte> source)
    {
        FakeDomain owner = Domains[domain];
        for (uint reference = firstReference; source.Length > 0; reference++, offset = 0)
        {
            ReadOnlySpan<byte> entry = owner.GrantTable.AsSpan((int)reference * 8, 8);
            if (BitConverter.ToUInt16(entry) != (ushort)GrantEntryFlags.PermitAccess || !owner.Pages.TryGetValue(BitConverter.ToUInt32(entry[4..]), out byte[]? page))
                throw new SystemFailure($"writing by grant {reference}", (int)Errno.Io);
            int length = Math.Min(source.Length, page.Length - offset);
            source[..length].CopyTo(page.AsSpan(offset));
            source = source[length..];
        }
    }

    public override long CallDeviceModel(ushort domain, params ReadOnlySpan<Memory<byte>> buffers) => -(long)Errno.OpNotSupp;

    private long Domctl(ulong address)
    {
        DomctlHeader header = Read<DomctlHeader>(address);
        ulong place = address + DomctlHeader.ArgumentOffset;
        Log.Add($"domctl {header.Command}");
        if (header.Command == DomctlCommand.CreateDomain)
        {
            header.Domain = ++_last;
            Domains[_last] = new FakeDomain(Read<DomctlCreateDomain>(place));
            Write(address, header);
            return 0;
        }
        if (!Domains.TryGetValue(header.Domain, out FakeDomain? domain))
            return -(long)Errno.NoProcess;
        switch (header.Command)
        {
            case DomctlCommand.DestroyDomain:
                Domains.Remove(header.Domain);
                FreePages += (ulong)domain.Pages.Count;
                return 0;
            case DomctlCommand.GetDomainInfo:
                Write(place, new DomctlGetDomainInfo { Domain = header.Domain, Handle = domain.Settings.Handle, Flags = DomainInfoFlags.HvmGuest | DomainInfoFlags.Paused, TotalPages = (ulong)domain.Pages.Count });
                return 0;
            case DomctlCommand.GetHvmContext:
                return GetContext(place);
            case DomctlCommand.SetHvmContext:
                DomctlHvmContext context = Read<DomctlHvmContext>(place);
                domain.Contexts.Add(ReadBytes(context.Buffer, (int)context.Size));
                return 0;
            case DomctlCommand.PauseDomain:
                domain.Pauses++;
                return 0;
            case DomctlCommand.UnpauseDomain:
                domain.Pauses--;
                return 0;
            default:
                return 0;
        }
    }

    /// <summary>Header and MTRRs, as much as the creation looks at.</summary>
    private static long GetContext(ulong place)
    {
        DomctlHvmContext argument = Read<DomctlHvmContext>(place);
        byte[] records = [.. Record(1, new HvmSaveHeader { Magic = HvmSaveConstants.HvmFileMagic, Version = 1, Cpuid = 0x800F12 }), .. Record(14, new HvmHwMtrr { MsrPatCr = 0x7040600070406 }), .. new byte[8]];
        if (argument.Buffer != 0)
            Marshal.Copy(records, 0, (nint)argument.Buffer, records.Length);
        argument.Size = (uint)records.Length;
        Write(place, argument);
        return 0;
    }

    private long Sysctl(ulong address)
    {
        ulong place = address + SysctlHeader.ArgumentOffset;
        SysctlCommand command = Read<SysctlHeader>(address).Command;
        Log.Add($"sysctl {command}");
        switch (command)
        {
            case SysctlCommand.PhysInfo:
                Write(place, new SysctlPhysInfo { CpuCount = 2, MaxCpuId = 1, NodeCount = 1, FreePages = FreePages, TotalPages = 1 << 21, Capabilities = PhysInfoCapabilities.GrantTableV2 });
                return 0;
            case SysctlCommand.CpuTopologyInfo:
                SysctlCpuTopologyInfo topology = Read<SysctlCpuTopologyInfo>(place);
                topology.CpuCount = 2;
                if (topology.CpuTopology != 0)
                    Write(topology.CpuTopology, default(SysctlCpuTopology));
                Write(place, topology);
                return 0;
            case SysctlCommand.NumaInfo:
                SysctlNumaInfo nodes = Read<SysctlNumaInfo>(place);
                nodes.NodeCount = 1;
                Write(place, nodes);
                return 0;
            case SysctlCommand.GetCpuPolicy:
                return GetPolicy(place);
            case SysctlCommand.CpupoolOperation:
                SysctlCpupoolOperation pool = Read<SysctlCpupoolOperation>(place);
                if (pool.CpupoolId != 0)
                    return -(long)Errno.NoEnt;
                pool.SchedulerId = (uint)SchedulerId.Credit2;
                Write(place, pool);
                return 0;
            default:
                return 0;
        }
    }

    private static long GetPolicy(ulong place)
    {
        CpuidLeaf[] leaves =
        [
            new() { Leaf = 0, Subleaf = uint.MaxValue, A = 0xD, B = 0x68747541, C = 0x444D4163, D = 0x69746E65 }, new() { Leaf = 1, Subleaf = uint.MaxValue, B = 0x0004_0800, C = 0x20 },
            new() { Leaf = 0x8000_0001, Subleaf = uint.MaxValue, C = 6 }, new() { Leaf = 0x8000_0008, Subleaf = uint.MaxValue, C = 0x2003 },
        ];
        SysctlCpuPolicy argument = Read<SysctlCpuPolicy>(place);
        argument.LeafCount = (uint)leaves.Length;
        for (int index = 0; argument.Leaves != 0 && index < leaves.Length; index++)
            Write(argument.Leaves + (ulong)(index * Unsafe.SizeOf<CpuidLeaf>()), leaves[index]);
        Write(place, argument);
        return 0;
    }

    private long Memory(MemoryOperation operation, ulong place)
    {
        Log.Add($"memory {operation}");
        if (operation == MemoryOperation.SetPopulateOnDemandTarget)
        {
            PopulateOnDemandTarget target = Read<PopulateOnDemandTarget>(place);
            Domains[target.DomainId].OnDemandTarget = target.TargetPages;
            return 0;
        }
        if (operation == MemoryOperation.SetMemoryMap)
        {
            ForeignMemoryMap map = Read<ForeignMemoryMap>(place);
            Domains[map.DomainId].MemoryMap = MemoryMarshal.Cast<byte, E820Entry>(ReadBytes(map.Map.Buffer, (int)map.Map.EntryCount * 20)).ToArray();
            return 0;
        }
        MemoryReservation argument = Read<MemoryReservation>(place);
        FakeDomain domain = Domains[argument.DomainId];
        if (operation == MemoryOperation.ClaimPages)
        {
            domain.Claimed = argument.ExtentCount;
            return 0;
        }
        if (operation != MemoryOperation.PopulatePhysmap)
            return -(long)Errno.NoSys;
        if (((MemoryFlags)argument.MemoryFlags & MemoryFlags.PopulateOnDemand) != 0)
            domain.OnDemandPages += argument.ExtentCount << (int)argument.ExtentOrder;
        ulong pages = 1ul << (int)argument.ExtentOrder;
        for (ulong index = 0; index < argument.ExtentCount; index++)
        {
            if (FreePages < pages)
                return (long)index;
            FreePages -= pages;
            ulong first = Read<ulong>(argument.ExtentStart + (index * 8));
            for (ulong page = 0; page < pages; page++)
                domain.Pages.Add(first + page, new byte[SharedPages.PageSize]);
        }
        return (long)argument.ExtentCount;
    }

    private long Hvm(HvmOperation operation, ulong place)
    {
        HvmParamArgument argument = Read<HvmParamArgument>(place);
        Log.Add($"hvm {operation} {argument.Index}");
        if (operation != HvmOperation.SetParam)
            return -(long)Errno.NoSys;
        Domains[argument.DomainId].Params[argument.Index] = argument.Value;
        return 0;
    }

    private long Port(EventChannelOperation operation, ulong place)
    {
        Log.Add($"event channel {operation}");
        EventChannelAllocUnbound argument = Read<EventChannelAllocUnbound>(place);
        argument.Port = ++_port;
        Write(place, argument);
        return 0;
    }

    private static byte[] Record<T>(ushort type, T content)
        where T : unmanaged
    {
        HvmSaveDescriptor descriptor = new() { TypeCode = type, Length = (uint)Unsafe.SizeOf<T>() };
        return [.. MemoryMarshal.AsBytes(new ReadOnlySpan<HvmSaveDescriptor>(in descriptor)), .. MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in content))];
    }

    private static byte[] ReadBytes(ulong address, int length)
    {
        byte[] bytes = new byte[length];
        Marshal.Copy((nint)address, bytes, 0, length);
        return bytes;
    }

    private static T Read<T>(ulong address)
        where T : unmanaged => MemoryMarshal.Read<T>(ReadBytes(address, Unsafe.SizeOf<T>()));

    private static void Write<T>(ulong address, T value)
        where T : unmanaged
    {
        byte[] bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)).ToArray();
        Marshal.Copy(bytes, 0, (nint)address, bytes.Length);
    }

    private sealed class FakePages : SharedPages
    {
        private readonly FakeHypervisor _owner;
        private readonly byte[][] _pages;
        private bool _isDisposed;

        public FakePages(FakeHypervisor owner, byte[][] pages)
        {
            _owner = owner;
            _pages = pages;
            owner.Mappings++;
        }

        public override int Length => _pages.Length * PageSize;

        public override uint Read32(int offset) => BitConverter.ToUInt32(_pages[offset / PageSize], offset % PageSize);

        public override void Write32(int offset, uint value) => BitConverter.TryWriteBytes(_pages[offset / PageSize].AsSpan(offset % PageSize), value);

        public override void Read(int offset, Span<byte> destination)
        {
            for (int index = 0; index < destination.Length; index++)
                destination[index] = _pages[(offset + index) / PageSize][(offset + index) % PageSize];
        }

        public override void Write(int offset, ReadOnlySpan<byte> source)
        {
            for (int index = 0; index < source.Length; index++)
                _pages[(offset + index) / PageSize][(offset + index) % PageSize] = source[index];
        }

        public override void Dispose()
        {
            if (!_isDisposed)
                _owner.Mappings--;
            _isDisposed = true;
            base.Dispose();
        }
    }
}
