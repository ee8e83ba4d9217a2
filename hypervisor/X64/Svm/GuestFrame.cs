// SPDX-License-Identifier: MIT
// The registers that VMRUN does not switch. Offsets are shared with Native/svm.S.

using System.Runtime.CompilerServices;

namespace XenSharp.X64.Svm;

internal struct GuestFrame
{
    public ulong Rbx;
    public ulong Rcx;
    public ulong Rdx;
    public ulong Rsi;
    public ulong Rdi;
    public ulong Rbp;
    public ulong R8;
    public ulong R9;
    public ulong R10;
    public ulong R11;
    public ulong R12;
    public ulong R13;
    public ulong R14;
    public ulong R15;

    /// <summary>Machine address of the guest's VMCB.</summary>
    public ulong Vmcb;

    /// <summary>Machine address of the VMCB that holds the state of the CPU on which the guest runs.</summary>
    public ulong HostVmcb;

    public XmmRegisters Xmm;

    /// <summary>DR0 to DR3 while the vCPU is switched out; VMRUN switches DR6 and DR7 only.</summary>
    public BreakpointAddresses Breakpoints;

    [InlineArray(4)]
    public struct BreakpointAddresses
    {
        private ulong _first;
    }

    [InlineArray(32)]
    public struct XmmRegisters
    {
        private ulong _first;
    }
}
