// SPDX-License-Identifier: MIT
// A hypervisor as xl sees it: answers the hypercalls of the control library out of a few lists. Used by FakeHost.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using XenSharp.Abi;
using XenSharp.Interop;

namespace XenSharp.Tests.Tools.Xl;

internal sealed class FakeDomain
{
    public DomctlGetDomainInfo Info;

    public ushort Weight = 256, Cap;

    public bool[] Hard = [], Soft = [];

    public ulong MaxMemoryKb;
}

internal sealed class FakePool
{
    public SchedulerId Scheduler = SchedulerId.Credit2;

    public bool[] Cpus = [];

    public uint RateLimit = 1000, TimeSlice = 30;
}

/// <summary>One node, one CPU pool with all CPUs, domain 0, as the machine on which the records of real Xen were made.</summary>
internal sealed class FakeMachine : HypercallGate
{
    private readonly int _cpus;

    public FakeMachine(int cpus = 1)
    {
        _cpus = cpus;
        Pools[0] = new FakePool { Cpus = All };
        Add(0, 639 * 256, vcpus: 1, DomainInfoFlags.Running);
    }

    public SortedDictionary<ushort, FakeDomain> Domains { get; } = [];

    public SortedDictionary<uint, FakePool> Pools { get; } = [];

    /// <summary>Operations that changed something, in order.</summary>
    public List<string> Changes { get; } = [];

    public string Log { get; set; } = "";

    /// <summary>What the next change gets instead of success.</summary>
    public Errno Refusal { get; set; }

    private bool[] All => [.. Enumerable.Repeat(true, _cpus)];

    public FakeDomain Add(ushort id, ulong pages, uint vcpus, DomainInfoFlags state)
    {
        FakeDomain domain = new() { Hard = All, Soft = All };
        domain.Info = new DomctlGetDomainInfo
        {
            Domain = id, Flags = state | DomainInfoFlags.HvmGuest | DomainInfoFlags.Hap, TotalPages = pages, MaxPages = pages + 256, OnlineVcpuCount = vcpus, MaxVcpuId = vcpus - 1, CpuTime = 12_340_000_000,
        };
        domain.Info.Handle[15] = (byte)id;
        return Domains[id] = domain;
    }

    public override long Call(HypercallNumber number, ulong first = 0, ulong second = 0, ulong third = 0, ulong fourth = 0, ulong fifth = 0) => number switch
    {
        HypercallNumber.Sysctl => Sysctl(Read<SysctlHeader>(first).Command, first + SysctlHeader.ArgumentOffset),
        HypercallNumber.Domctl => Domctl(Read<DomctlHeader>(first), first + DomctlHeader.ArgumentOffset),
        HypercallNumber.XenVersion => Version((VersionOperation)first, second),
        HypercallNumber.MemoryOperation => (MemoryOperation)first is MemoryOperation.GetSharingFreedPages or MemoryOperation.GetSharingSharedPages ? -(long)Errno.NoSys : Change($"memory {(MemoryOperation)first}"),
        _ => -(long)Errno.NoSys,
    };

    public override SharedPages MapForeign(ushort domain, ReadOnlySpan<ulong> frames, bool isWritable, Span<int> errors = default) => throw new NotSupportedException();

    public override SharedPages MapResource(ushort domain, MemoryResource type, uint id, uint firstFrame, int count) => throw new NotSupportedException();

    public override void WriteGranted(ushort domain, uint firstReference, int offset, ReadOnlySpan<byte> source) => throw new NotSupportedException();

    public override long CallDeviceModel(ushort domain, params ReadOnlySpan<Memory<byte>> buffers) => throw new NotSupportedException();

    /// <summary>Each command disposes of its connection; the machine stays for the next one.</summary>
    public override void Dispose()
    {
    }

    private long Version(VersionOperation operation, ulong buffer)
    {
        string? text = operation switch
        {
            VersionOperation.ExtraVersion => ".7",
            VersionOperation.Capabilities => "xen-3.0-x86_64 hvm-3.0-x86_64 ",
            VersionOperation.ChangeSet => "",
            VersionOperation.CommandLine => "dom0=pvh",
            _ => null,
        };
        if (text is not null)
            WriteBytes(buffer, Encoding.ASCII.GetBytes(text + "\0"));
        if (operation == VersionOperation.PlatformParameters)
            Write(buffer, new PlatformParameters { VirtStart = 0xffff_8000_0000_0000 });
        return operation switch { VersionOperation.Version => (4 << 16) | 17, VersionOperation.PageSize => 4096, VersionOperation.BuildId => -(long)Errno.NoData, _ => 0 };
    }

    private long Sysctl(SysctlCommand command, ulong at)
    {
        switch (command)
        {
            case SysctlCommand.PhysInfo:
                SysctlPhysInfo info = new()
                {
                    ThreadsPerCore = 1, CoresPerSocket = (uint)_cpus, CpuCount = (uint)_cpus, MaxCpuId = (uint)_cpus - 1, NodeCount = 1, CpuKhz = 2596_138,
                    Capabilities = PhysInfoCapabilities.Hvm | PhysInfoCapabilities.Hap | PhysInfoCapabilities.GrantTableV1, TotalPages = 2047 * 256, FreePages = 1000 * 256,
                };
                info.HwCap[0] = 0x78bf3fd;
                Write(at, info);
                return 0;
            case SysctlCommand.SchedulerId:
                Write(at, new SysctlSchedulerId { SchedulerId = (uint)SchedulerId.Credit2 });
                return 0;
            case SysctlCommand.CpuTopologyInfo:
                SysctlCpuTopologyInfo topology = Read<SysctlCpuTopologyInfo>(at);
                for (int cpu = 0; topology.CpuTopology != 0 && cpu < _cpus; cpu++)
                    Write(topology.CpuTopology + (ulong)(cpu * 12), new SysctlCpuTopology { Core = (uint)cpu });
                Write(at, topology with { CpuCount = (uint)_cpus });
                return 0;
            case SysctlCommand.NumaInfo:
                SysctlNumaInfo nodes = Read<SysctlNumaInfo>(at);
                if (nodes.MemoryInfo != 0)
                {
                    Write(nodes.MemoryInfo, new SysctlMemoryInfo { MemorySize = 2047ul << 20, MemoryFree = 1000ul << 20 });
                    Write(nodes.Distance, 10u);
                }
                Write(at, nodes with { NodeCount = 1 });
                return 0;
            case SysctlCommand.PciTopologyInfo:
                return 0;
            case SysctlCommand.GetDomainInfoList:
                SysctlGetDomainInfoList list = Read<SysctlGetDomainInfoList>(at);
                DomctlGetDomainInfo[] found = [.. Domains.Values.Where(domain => domain.Info.Domain >= list.FirstDomain).Take((int)list.MaxDomains).Select(domain => domain.Info)];
                for (int index = 0; index < found.Length; index++)
                    Write(list.Buffer + (ulong)(index * Unsafe.SizeOf<DomctlGetDomainInfo>()), found[index]);
                Write(at, list with { DomainCount = (uint)found.Length });
                return 0;
            case SysctlCommand.ReadConsole:
                SysctlReadConsole log = Read<SysctlReadConsole>(at);
                byte[] text = Encoding.ASCII.GetBytes(Log[(int)log.Index..]);
                int part = Math.Min(text.Length, (int)log.Count);
                WriteBytes(log.Buffer, text[..part]);
                Write(at, log with { Index = log.Index + (uint)part, Count = (uint)part });
                return 0;
            case SysctlCommand.DebugKeys:
                SysctlDebugKeys keys = Read<SysctlDebugKeys>(at);
                return Change($"keys {Encoding.ASCII.GetString(ReadBytes(keys.Keys, (int)keys.KeyCount))}");
            case SysctlCommand.CpupoolOperation:
                return Pool(Read<SysctlCpupoolOperation>(at), at);
            case SysctlCommand.SchedulerOperation:
                return PoolParameters(Read<SysctlSchedulerOperation>(at), at);
            default:
                return -(long)Errno.NoSys;
        }
    }

    private long Pool(SysctlCpupoolOperation operation, ulong at)
    {
        if (operation.Operation is CpupoolOperation.Info && Pools.Keys.Where(id => id >= operation.CpupoolId).Select(id => (uint?)id).FirstOrDefault() is { } found)
        {
            WriteMap(operation.CpuMap, Pools[found].Cpus);
            Write(at, operation with { CpupoolId = found, SchedulerId = (uint)Pools[found].Scheduler, DomainCount = (uint)Domains.Values.Count(domain => domain.Info.Cpupool == found) });
            return 0;
        }
        switch (operation.Operation)
        {
            case CpupoolOperation.Info:
                return -(long)Errno.NoEnt;
            case CpupoolOperation.FreeInfo:
                WriteMap(operation.CpuMap, [.. Enumerable.Range(0, _cpus).Select(cpu => !Pools.Values.Any(pool => pool.Cpus[cpu]))]);
                return 0;
            case CpupoolOperation.Create:
                uint id = Pools.Keys.Max() + 1;
                Pools[id] = new FakePool { Scheduler = (SchedulerId)operation.SchedulerId, Cpus = new bool[_cpus] };
                Write(at, operation with { CpupoolId = id });
                return Change($"pool {id} created {(SchedulerId)operation.SchedulerId}");
            case CpupoolOperation.Destroy:
                Pools.Remove(operation.CpupoolId);
                return Change($"pool {operation.CpupoolId} destroyed");
            case CpupoolOperation.AddCpu or CpupoolOperation.RemoveCpu:
                Pools[operation.CpupoolId].Cpus[operation.Cpu] = operation.Operation == CpupoolOperation.AddCpu;
                return Change($"pool {operation.CpupoolId} {operation.Operation} {operation.Cpu}");
            default:
                Domains[(ushort)operation.DomainId].Info.Cpupool = operation.CpupoolId;
                return Change($"pool {operation.CpupoolId} gets domain {operation.DomainId}");
        }
    }

    private long PoolParameters(SysctlSchedulerOperation operation, ulong at)
    {
        FakePool pool = Pools[operation.CpupoolId];
        if ((SchedulerId)operation.SchedulerId != pool.Scheduler)
            return -(long)Errno.Inval;
        Span<uint> words = MemoryMarshal.Cast<ulong, uint>((Span<ulong>)operation.U);
        if (operation.Command == (uint)SysctlSchedulerCommand.PutInfo)
            return Change($"pool {operation.CpupoolId} parameters {string.Join(' ', words[..3].ToArray())}");
        ReadOnlySpan<uint> values = pool.Scheduler == SchedulerId.Credit2 ? [pool.RateLimit] : [pool.TimeSlice, pool.RateLimit, 0];
        values.CopyTo(words);
        Write(at, operation);
        return 0;
    }

    private long Domctl(DomctlHeader header, ulong at)
    {
        if (!Domains.TryGetValue(header.Domain, out FakeDomain? domain))
            return -(long)Errno.NoProcess;
        switch (header.Command)
        {
            case DomctlCommand.GetDomainInfo:
                Write(at, domain.Info);
                return 0;
            case DomctlCommand.GetVcpuInfo:
                DomctlGetVcpuInfo vcpu = Read<DomctlGetVcpuInfo>(at);
                bool runs = (domain.Info.Flags & DomainInfoFlags.Running) != 0, isOnline = vcpu.Vcpu < domain.Info.OnlineVcpuCount;
                Write(at, vcpu with { Online = (byte)(isOnline ? 1 : 0), Running = (byte)(runs ? 1 : 0), Blocked = (byte)(runs ? 0 : 1), CpuTime = 2_500_000_000 });
                return 0;
            case DomctlCommand.GetVcpuAffinity:
                DomctlVcpuAffinity now = Read<DomctlVcpuAffinity>(at);
                WriteMap(now.CpuMapHard, domain.Hard);
                WriteMap(now.CpuMapSoft, domain.Soft);
                return 0;
            case DomctlCommand.SetVcpuAffinity:
                DomctlVcpuAffinity wanted = Read<DomctlVcpuAffinity>(at);
                domain.Hard = (wanted.Flags & VcpuAffinityFlags.Hard) != 0 ? ReadMap(wanted.CpuMapHard) : domain.Hard;
                domain.Soft = (wanted.Flags & VcpuAffinityFlags.Soft) != 0 ? ReadMap(wanted.CpuMapSoft) : domain.Soft;
                return Change($"affinity {header.Domain}.{wanted.Vcpu} {(uint)wanted.Flags}");
            case DomctlCommand.GetNodeAffinity:
                WriteMap(Read<DomctlNodeAffinity>(at).NodeMap, [true]);
                return 0;
            case DomctlCommand.SchedulerOperation:
                DomctlSchedulerOperation operation = Read<DomctlSchedulerOperation>(at);
                if (operation.Command == DomctlSchedulerCommand.GetInfo)
                {
                    MemoryMarshal.Write(MemoryMarshal.AsBytes((Span<ulong>)operation.U), new DomctlSchedulerCredit2 { Weight = domain.Weight, Cap = domain.Cap });
                    Write(at, operation);
                    return 0;
                }
                DomctlSchedulerCredit2 credit = MemoryMarshal.Read<DomctlSchedulerCredit2>(MemoryMarshal.AsBytes((ReadOnlySpan<ulong>)operation.U));
                (domain.Weight, domain.Cap) = (credit.Weight, credit.Cap);
                return Change($"weight {header.Domain} {credit.Weight} {credit.Cap}");
            case DomctlCommand.MaxMemory:
                domain.MaxMemoryKb = Read<DomctlMaxMemory>(at).MaxMemoryKb;
                return Change($"max_mem {header.Domain} {domain.MaxMemoryKb}");
            case DomctlCommand.SendTrigger:
                DomctlSendTrigger trigger = Read<DomctlSendTrigger>(at);
                return Change($"trigger {header.Domain}.{trigger.Vcpu} {trigger.Trigger}");
            default:
                return Change($"{header.Command} {header.Domain}");
        }
    }

    private long Change(string what)
    {
        Errno refusal = Refusal;
        Refusal = 0;
        if (refusal == 0)
            Changes.Add(what);
        return -(long)refusal;
    }

    private static byte[] ReadBytes(ulong address, int length)
    {
        byte[] bytes = new byte[length];
        Marshal.Copy((nint)address, bytes, 0, length);
        return bytes;
    }

    private static void WriteBytes(ulong address, byte[] bytes) => Marshal.Copy(bytes, 0, (nint)address, bytes.Length);

    private static T Read<T>(ulong address)
        where T : unmanaged => MemoryMarshal.Read<T>(ReadBytes(address, Unsafe.SizeOf<T>()));

    private static void Write<T>(ulong address, T value)
        where T : unmanaged => WriteBytes(address, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)).ToArray());

    private bool[] ReadMap(XenctlBitmap map) => [.. Enumerable.Range(0, _cpus).Select(cpu => (Marshal.ReadByte((nint)map.Bitmap + (cpu / 8)) >> (cpu % 8) & 1) != 0)];

    private static void WriteMap(XenctlBitmap map, bool[] set)
    {
        byte[] bytes = new byte[(map.BitCount + 7) / 8];
        for (int bit = 0; bit < set.Length && bit < map.BitCount; bit++)
            bytes[bit / 8] |= (byte)(set[bit] ? 1 << (bit % 8) : 0);
        if (map.Bitmap != 0)
            WriteBytes(map.Bitmap, bytes);
    }
}
