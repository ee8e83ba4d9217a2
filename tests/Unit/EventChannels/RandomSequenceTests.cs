// SPDX-License-Identifier: MIT
// Random operations by three domains against the model; a failure names its seed.

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using XenSharp.Abi;
using XenSharp.Testing;
using Xunit;

namespace XenSharp.Tests.Unit.EventChannels;

public class RandomSequenceTests
{
    private const int Operations = 4000;

    private readonly EventChannelModel _model = new();
    private readonly Dictionary<ushort, TestDomain> _domains = [];
    private Random _random = null!;

    public static TheoryData<int> Seeds()
    {
        var seeds = new TheoryData<int>();
        for (int seed = 1; seed <= 20; seed++)
            seeds.Add(seed);
        return seeds;
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void OperationsAgreeWithTheModel(int seed)
    {
        _random = new Random(seed);
        var machine = new TestHost();
        Add(machine, 0, 2, uint.MaxValue);
        Add(machine, 3, 3, uint.MaxValue);
        Add(machine, 9, 1, maxPort: 70);
        for (int step = 0; step < Operations; step++)
        {
            ushort id = Pick((ushort)0, (ushort)3, (ushort)9);
            string what = Step(_domains[id], _model.Owners[id], out long expected, out long actual);
            Assert.True(expected == actual, $"seed {seed}, step {step}, domain {id}, {what}: expected {expected}, got {actual}");
            if (step % 100 == 99)
                CompareAll($"seed {seed}, step {step}");
        }
    }

    private void Add(TestHost machine, ushort id, uint vcpus, uint maxPort)
    {
        _domains[id] = machine.AddDomain(id, (int)vcpus, isPrivileged: id == 0, maxPort: maxPort);
        _model.Add(id, vcpus, maxPort, id == 0);
    }

    private string Step(TestDomain guest, EventChannelModel.Owner owner, out long expected, out long actual)
    {
        ushort domain = Pick((ushort)0, (ushort)3, (ushort)9, (ushort)0x7ff0, (ushort)44);
        uint port = RandomPort();
        uint vcpu = (uint)_random.Next(4);
        uint made;
        switch (_random.Next(24))
        {
            case 0 or 1 or 2:
                ushort remote = Pick((ushort)0, (ushort)3, (ushort)9, (ushort)0x7ff0);
                expected = _model.AllocUnbound(owner, domain, remote);
                actual = Made(guest.AllocUnbound(domain, remote, out made), made);
                return $"alloc_unbound({domain}, {remote})";
            case 3 or 4 or 5 or 6:
                expected = _model.BindInterdomain(owner, domain, port);
                actual = Made(guest.BindInterdomain(domain, port, out made), made);
                return $"bind_interdomain({domain}, {port})";
            case 7:
                uint virq = (uint)_random.Next(26);
                expected = _model.BindVirq(owner, virq, vcpu);
                actual = Made(guest.BindVirq(virq, vcpu, out made), made);
                return $"bind_virq({virq}, {vcpu})";
            case 8 or 9:
                expected = _model.BindIpi(owner, vcpu);
                actual = Made(guest.BindIpi(vcpu, out made), made);
                return $"bind_ipi({vcpu})";
            case 10:
                uint pirq = (uint)_random.Next(2) * 160 + (uint)_random.Next(52);
                expected = _model.BindPirq(owner, pirq);
                actual = Made(guest.BindPirq(pirq, out made), made);
                return $"bind_pirq({pirq})";
            case 11 or 12:
                expected = _model.BindVcpu(owner, port, vcpu);
                actual = guest.BindVcpu(port, vcpu);
                return $"bind_vcpu({port}, {vcpu})";
            case 13 or 14 or 15:
                expected = _model.Close(owner, port);
                actual = guest.Close(port);
                return $"close({port})";
            case 16 or 17 or 18:
                expected = _model.Send(owner, port);
                actual = guest.Send(port);
                return $"send({port})";
            case 19:
                expected = _model.Unmask(owner, port);
                actual = guest.Unmask(port);
                return $"unmask({port})";
            case 20:
                expected = _model.Status(owner, domain, port, out EventChannelModel.Port wanted);
                actual = guest.Status(domain, port, out EventChannelStatus status);
                if (expected == 0 && actual == 0 && (status.Status != wanted.State || status.Vcpu != wanted.Vcpu))
                    actual = 1_000_000 + (long)status.Status;
                return $"status({domain}, {port})";
            case 21:
                ToggleMask(guest, owner, port);
                expected = actual = 0;
                return "mask";
            case 22:
                Acknowledge(guest, owner);
                expected = actual = 0;
                return "acknowledge";
            default:
                bool reset = _random.Next(40) == 0;
                expected = reset ? _model.Reset(owner) : 0;
                actual = reset ? guest.Reset(0x7ff0) : 0;
                return "reset";
        }
    }

    private static long Made(long result, uint port) => result == 0 ? port : result;

    private uint RandomPort() => _random.Next(20) switch
    {
        0 => (uint)_random.Next(5000),
        1 => uint.MaxValue - (uint)_random.Next(3),
        2 or 3 => (uint)_random.Next(200),
        _ => (uint)_random.Next(40),
    };

    private T Pick<T>(params T[] choices) => choices[_random.Next(choices.Length)];

    private static void ToggleMask(TestDomain guest, EventChannelModel.Owner owner, uint port)
    {
        if (port >= 4096)
            return;
        guest.SharedInfo[2560 + (int)(port / 8)] ^= (byte)(1 << (int)(port % 8));
        if (!owner.Masked.Remove(port))
            owner.Masked.Add(port);
    }

    // The guest takes its upcalls: everything that is neither masked nor quiet is cleared.
    private static void Acknowledge(TestDomain guest, EventChannelModel.Owner owner)
    {
        for (int vcpu = 0; vcpu < (int)owner.Vcpus; vcpu++)
        {
            guest.VcpuInfo(vcpu).Slice(0, 16).Clear();
            owner.Upcall[vcpu] = false;
            owner.Selector[vcpu] = 0;
        }

        foreach (uint port in new List<uint>(owner.Pending))
        {
            if (owner.Masked.Contains(port))
                continue;
            owner.Pending.Remove(port);
            guest.SharedInfo[2048 + (int)(port / 8)] &= (byte)~(1 << (int)(port % 8));
        }
    }

    private void CompareAll(string where)
    {
        foreach ((ushort id, EventChannelModel.Owner owner) in _model.Owners)
        {
            TestDomain guest = _domains[id];
            Assert.True((uint)owner.Ports.Count == guest.Domain.EventChannels.ActivePorts, $"{where}: active ports of domain {id}");
            for (uint port = 1; port < owner.Valid; port++)
            {
                Assert.Equal(0, guest.Status(0x7ff0, port, out EventChannelStatus status));
                EventChannelModel.Port wanted = owner.Find(port) ?? new EventChannelModel.Port();
                Assert.True(wanted.State == status.Status && wanted.Vcpu == status.Vcpu, $"{where}: state of {id}:{port}");
                bool pending = (guest.SharedInfo[2048 + (int)(port / 8)] & (1 << (int)(port % 8))) != 0;
                Assert.True(owner.Pending.Contains(port) == pending, $"{where}: pending of {id}:{port} is {pending}");
            }

            for (int vcpu = 0; vcpu < (int)owner.Vcpus; vcpu++)
            {
                ulong selector = BinaryPrimitives.ReadUInt64LittleEndian(guest.VcpuInfo(vcpu).Slice(8));
                Assert.True(owner.Selector[vcpu] == selector, $"{where}: selector of {id}v{vcpu}");
                Assert.True(owner.Upcall[vcpu] == (guest.VcpuInfo(vcpu)[0] != 0), $"{where}: upcall of {id}v{vcpu}");
            }
        }
    }
}
