// SPDX-License-Identifier: MIT
// (stub)

using XenSharp.Core.Vcpus;

namespace XenSharp.Core.Hypercalls;

public static class PmuOp
{
    public static long Call(Vcpu caller, in HypercallArguments arguments) => HypercallError.ENOSYS;
}
