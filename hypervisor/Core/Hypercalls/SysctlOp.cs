// SPDX-License-Identifier: MIT
// (stub)

using XenSharp.Core.Vcpus;

namespace XenSharp.Core.Hypercalls;

public static class SysctlOp
{
    public const uint InterfaceVersion = 0x15;

    public static long Call(Vcpu caller, in HypercallArguments arguments) => HypercallError.ENOSYS;
}
