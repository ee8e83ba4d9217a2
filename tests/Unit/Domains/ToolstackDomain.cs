// SPDX-License-Identifier: MIT
// A dom0 that makes and ends domains by domctl, as libxl does.

using XenSharp.Abi;
using XenSharp.Core.Domains;
using XenSharp.Core.Hypercalls;
using XenSharp.Edge;
using XenSharp.Testing;

namespace XenSharp.Tests.Unit.Domains;

internal sealed class ToolstackDomain
{
    private const ulong FirstBuffer = 0x2000, Header = 16;

    public ToolstackDomain(TestHost machine)
    {
        Machine = machine;
        Dom0 = machine.AddDom0(vcpus: machine.Host.ProcessorCount);
    }

    public TestHost Machine { get; }

    public TestDomain Dom0 { get; }

    /// <summary>What libxl asks for a PVH guest.</summary>
    public static DomctlCreateDomain Pvh(uint vcpus = 1) => new()
    {
        Flags = CreateDomainFlags.Hvm | CreateDomainFlags.Hap,
        MaxVcpus = vcpus,
        MaxEventChannelPort = 1023,
        MaxGrantFrames = -1,
        MaxMaptrackFrames = -1,
        GrantOptions = 2,
        Arch = new ArchDomainConfig { EmulationFlags = X86EmulationFlags.LocalApic },
    };

    public long Call<T>(DomctlCommand command, ushort domain, ref T argument, int vcpu = 0) where T : unmanaged
    {
        ulong buffer = FirstBuffer + ((ulong)vcpu << 12);
        Dom0.Write(buffer, (uint)command);
        Dom0.Write(buffer + 4, DomctlOp.InterfaceVersion);
        Dom0.Write(buffer + 8, (ulong)domain);
        Dom0.Write(buffer + Header, in argument);
        long result = Dom0.Call(DomctlOp.Call, vcpu, buffer);
        argument = Dom0.Read<T>(buffer + Header);
        return result;
    }

    public long Call(DomctlCommand command, ushort domain, ulong word = 0) => Call(command, domain, ref word);

    public long Create(DomctlCreateDomain request, ushort wanted, out ushort id)
    {
        long result = Call(DomctlCommand.CreateDomain, wanted, ref request);
        id = Dom0.Read<ushort>(FirstBuffer + 8);
        return result;
    }

    /// <summary>A domain with its vCPUs.</summary>
    public Domain Make(uint vcpus = 1)
    {
        if (Create(Pvh(vcpus), 0, out ushort id) != 0 || Call(DomctlCommand.MaxVcpus, id, vcpus) != 0)
            throw new System.InvalidOperationException("no domain was made");
        return Machine.Host.Domains.Find(id)!;
    }

    public long Destroy(Domain domain) => Call(DomctlCommand.DestroyDomain, domain.Id);

    /// <summary>What a domain costs while it lives: compared before and after.</summary>
    public (ulong FreePages, int Domains, int Vcpus, int InTable) Count() => (Machine.Host.Allocator.FreePages, Machine.Regions.InUse(RegionKind.Domain),
        Machine.Regions.InUse(RegionKind.Vcpu), Machine.Host.Domains.Count);
}
