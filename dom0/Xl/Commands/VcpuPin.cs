// SPDX-License-Identifier: MIT
// vcpu-pin: the CPUs that a vCPU may run on and those that it prefers. Row of CommandTable.

using System;
using System.Linq;
using System.Threading.Tasks;
using XenSharp.Abi;
using XenSharp.Configuration;
using XenSharp.Control;
using XenSharp.Xl.Frame;
using static XenSharp.Xl.Frame.Option;

namespace XenSharp.Xl.Commands;

internal static class VcpuPin
{
    /// <summary>Stands for "as it is".</summary>
    private const string Unchanged = "-";

    public static Command Row { get; } = new(
        "vcpu-pin", "Set which CPUs a virtual CPU uses", "[option] <Domain> <VCPU|all> <Hard affinity|-|all> <Soft affinity|-|all>", RunAsync)
    {
        RequiredWords = 3,
        CanDryRun = true,
        Modifies = true,
        Options =
        [
            Flag('f', "force", "Even where the guest's kernel has pinned it for a while."),
            Flag('i', "ignore-global-affinity-masks", "Do not apply the CPU masks of xl.conf."),
        ],
        Notes = "Affinities are sets of CPUs: 0-3,^2, node:1, all; - leaves one as it is.",
    };

    private static async Task<int> RunAsync(Invocation call)
    {
        int id = await call.DomainAsync().ConfigureAwait(false);
        string word = call.Words[1];
        bool isAll = word == "all";
        if (!isAll && (word.Length == 0 || !char.IsAsciiDigit(word[0])))
            throw new XlException($"Error: Invalid argument {word} as VCPU.");
        if (isAll && call.Has("force"))
            throw new XlException("Error: --force and 'all' as VCPU not allowed.");
        Bitmap? hard = call.Words[2] == Unchanged ? null : call.Host.ReadCpus(call.Words[2]);
        Bitmap? soft = call.Words is [_, _, _, { } last, ..] && last != Unchanged ? call.Host.ReadCpus(last) : null;
        if (call.Global.IsDryRun)
        {
            int cpus = call.Host.Hypervisor.CpuIds;
            call.Output.Write($"cpumap: {(hard is null ? Unchanged : CpuMaps.Format(CpuMaps.From(hard, cpus)))}{(soft is null ? "" : $" {CpuMaps.Format(CpuMaps.From(soft, cpus))}")}\n");
            return 0;
        }
        DomctlGetDomainInfo domain = call.Host.TryGetDomain(id) ?? throw new XlException("Could not get domain info");
        if (hard is not null && !call.Has("ignore-global-affinity-masks"))
            hard = Mask(call.Host.Settings, domain, hard);
        return isAll ? PinAll(call, domain, hard, soft) : PinOne(call, domain, (uint)Invocation.LeadingNumber(word), hard, soft);
    }

    /// <summary>What xl.conf leaves of a set.</summary>
    private static Bitmap Mask(GlobalConfiguration settings, in DomctlGetDomainInfo domain, Bitmap cpus)
    {
        Bitmap? ofKind = (domain.Flags & DomainInfoFlags.HvmGuest) != 0 ? settings.VmHvmCpumask : settings.VmPvCpumask;
        foreach (Bitmap? mask in (Bitmap?[])[settings.VmCpumask, ofKind])
            cpus = mask is null ? cpus : cpus.And(mask);
        return cpus.IsEmpty ? throw new XlException("vcpu hard affinity map is empty") : cpus;
    }

    private static int PinOne(Invocation call, DomctlGetDomainInfo domain, uint vcpu, Bitmap? hard, Bitmap? soft)
    {
        try
        {
            Pin(call, domain, vcpu, hard, soft);
            return 0;
        }
        catch (HypercallException failure)
        {
            throw new XlException($"{failure.Message}\nCould not set affinity for vcpu `{vcpu}'.");
        }
    }

    /// <summary>As Xen's, succeeds even where the hypervisor refuses, and says what it refused.</summary>
    private static int PinAll(Invocation call, DomctlGetDomainInfo domain, Bitmap? hard, Bitmap? soft)
    {
        for (uint vcpu = 0; vcpu <= domain.MaxVcpuId; vcpu++)
        {
            try
            {
                Pin(call, domain, vcpu, hard, soft);
            }
            catch (HypercallException failure)
            {
                call.Error.Write($"{failure.Message}\nCould not set affinity.\n");
            }
        }
        return 0;
    }

    private static void Pin(Invocation call, in DomctlGetDomainInfo domain, uint vcpu, Bitmap? hard, Bitmap? soft)
    {
        int cpus = call.Host.Hypervisor.CpuIds;
        bool isForced = call.Has("force");
        if (hard is null && soft is null && !isForced)
            throw new XlException("Neither affinity is to be changed.");
        (_, bool[]? effective) = call.Host.Hypervisor.SetVcpuAffinity(
            domain.Domain, vcpu, hard is null ? null : CpuMaps.From(hard, cpus), soft is null ? null : CpuMaps.From(soft, cpus), isForced);
        if (effective is not null && !effective.Contains(true))
            call.Error.Write($"vCPU {vcpu} can run on none of the CPUs that it prefers; only its hard affinity counts.\n");
    }
}
