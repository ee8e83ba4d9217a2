// SPDX-License-Identifier: MIT
// What the port makes for a new domain.

using XenSharp.Edge;

namespace XenSharp.Core.Boot;

/// <summary>Builds the parts of a domain and its vCPUs whose form the machine dictates. One implementation per port.</summary>
public abstract class GuestFactory
{
    /// <summary>An empty translation; its tables come from <paramref name="tables"/>. Null when there is no page for the first.</summary>
    public abstract P2m? CreateP2m(FrameSource tables);

    /// <summary>Registers of a new vCPU of the domain; null when memory is used up.</summary>
    public abstract VcpuContext? CreateContext(Domains.Domain domain);

    /// <summary>Tells the registers whose they are, once the vCPU exists.</summary>
    public abstract void Attach(VcpuContext context, Vcpus.Vcpu vcpu);

    /// <summary>Gives back the pages behind a vCPU's registers. Nobody can see it any more.</summary>
    public abstract void Release(VcpuContext context, Processor caller);
}
