// SPDX-License-Identifier: MIT
// The leaves by which a guest knows that it runs on Xen (xen/include/public/arch-x86/cpuid.h).

using XenSharp.Core.Time;
using XenSharp.Core.Vcpus;

namespace XenSharp.Core.CpuPolicy;

public sealed partial class CpuidPolicy
{
    public const uint HypervisorBase = 0x4000_0000;

    private const uint LastHypervisorLeaf = 5;

    // "XenVMMXenVMM".
    private const uint SignatureEbx = 0x566e_6558, SignatureEcx = 0x6558_4d4d, SignatureEdx = 0x4d4d_566e;
    private const uint XenVersion = (4 << 16) | 17;

    // XEN_HVM_CPUID_VCPU_ID_PRESENT, DOMID_PRESENT, UPCALL_VECTOR.
    private const uint HvmFeatures = (1 << 3) | (1 << 4) | (1 << 6);

    // XEN_HVM_CPUID_IOMMU_MAPPINGS: grants and foreign pages reach devices by their guest frame.
    private const uint IommuMappings = 1 << 2;

    private const uint TscIsSafe = 1 << 1, TscHasRdtscp = 1 << 2;

    private CpuidLeaf Hypervisor(Vcpu vcpu, uint leaf, uint subleaf)
    {
        CpuidLeaf result = default;
        switch (leaf)
        {
            case 0:
                result.Eax = HypervisorBase + LastHypervisorLeaf;
                result.Ebx = SignatureEbx;
                result.Ecx = SignatureEcx;
                result.Edx = SignatureEdx;
                break;
            case 1:
                result.Eax = XenVersion;
                break;
            case 2:
                // One hypercall page, asked for by this MSR.
                result.Eax = 1;
                result.Ebx = MsrPolicy.HypercallPage;
                break;
            case 3:
                return TimeLeaf(vcpu, subleaf);
            case 4 when subleaf == 0:
                result.Eax = HvmFeatures | (vcpu.Domain.IsDirectMapped ? 0 : IommuMappings);
                result.Ebx = vcpu.Id;
                result.Ecx = vcpu.Domain.Id;
                break;
        }

        return result;
    }

    // The TSC is never emulated: all CPUs share one clock.
    private CpuidLeaf TimeLeaf(Vcpu vcpu, uint subleaf)
    {
        CpuidLeaf result = default;
        SystemClock clock = vcpu.Host.Clock;
        uint frequencyKhz = (uint)(clock.TscFrequencyHz / 1000);
        switch (subleaf)
        {
            case 0:
                result.Eax = TscIsSafe | ((Extended(1).Edx & (1U << 27)) != 0 ? TscHasRdtscp : 0);
                result.Ecx = frequencyKhz;
                result.Ebx = vcpu.Domain.TscMode;
                result.Edx = vcpu.Domain.TscIncarnation;
                break;
            case 1:
                result.Ecx = clock.TscToSystemMultiplier;
                result.Edx = (uint)(int)clock.TscShift;
                break;
            case 2:
                result.Eax = frequencyKhz;
                break;
        }

        return result;
    }
}
